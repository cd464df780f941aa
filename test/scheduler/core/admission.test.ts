import { randomBytes } from 'node:crypto'

import { expect, test } from 'vitest'

import type { JobRequest } from '../../../proto/job.ts'
import { completeSpec, defaultLimits, tasksOf } from '../../../scheduler/core/admission.ts'
import { seal } from '../../../src/lib/seal.ts'

const request: JobRequest = { command: ['/opt/a tool/run me.sh', '-x'], cwd: '/home/anna' }
const complete = (more: Partial<JobRequest>) =>
  completeSpec({ ...request, ...more }, [], defaultLimits)

test('what is left out gets its default', () => {
  const result = complete({})
  expect(result.ok && result.value).toMatchObject({
    name: 'run_me.sh',
    kind: 'task',
    queue: 'task',
    slots: 1,
    memBytes: 512 * 2 ** 20,
    onPartition: 'keep',
    stop: { signal: 'SIGTERM', graceMs: 10_000 },
  })
  const bot = complete({ kind: 'continuous', command: ['7zip'] })
  expect(bot.ok && bot.value).toMatchObject({
    name: '_7zip',
    queue: 'continuous',
    onPartition: 'stop',
  })
})

test('a run is warned 30 s before its time limit, or half-way where that is later', () => {
  const warn = (timeMs: number | null) => {
    const result = complete({ timeMs })
    return result.ok && result.value.warn
  }
  expect(warn(null)).toEqual({ signal: 'SIGUSR2', beforeMs: 30_000 })
  expect(warn(3_600_000)).toEqual({ signal: 'SIGUSR2', beforeMs: 30_000 })
  expect(warn(5000)).toEqual({ signal: 'SIGUSR2', beforeMs: 2500 })
})

/** As many bytes as execve takes. */
const wide = 'x'.repeat(131_071)
const sealed = (text: string) => seal(randomBytes(32), 'A', text)

const refused: [string, Partial<JobRequest>, string][] = [
  [
    'a continuous array',
    { kind: 'continuous', array: { from: 1, to: 2, step: 1 } },
    'cannot be an array',
  ],
  ['an array that ends before it begins', { array: { from: 2, to: 1, step: 1 } }, 'ends before'],
  ['too many tasks', { array: { from: 1, to: 20_000_000, step: 1 } }, '10000000 tasks at most'],
  ['no command', { command: [''] }, 'the command is empty'],
  [
    'too much environment',
    { env: Object.fromEntries(['a', 'b', 'c'].map((name) => [name, wide.slice(2)])) },
    'have over',
  ],
  [
    'an argument that execve refuses',
    { command: ['echo', `${wide}x`] },
    'argument 1 of the command has over',
  ],
  [
    'one with more bytes than characters',
    { command: ['é'.repeat(70_000)] },
    'argument 0 of the command',
  ],
  [
    'a variable that execve refuses',
    { env: { A: wide } },
    'the variable A, with its name, has over',
  ],
  [
    'a secret that execve refuses',
    { secretEnv: { A: sealed(wide.slice(1)) } },
    'the variable A, with its name, has over',
  ],
  [
    'a path with more bytes than Linux takes',
    { cwd: `/${'é'.repeat(2048)}` },
    'the path of cwd has over 4095',
  ],
  [
    'too long a check',
    {
      check: {
        probe: { kind: 'command', argv: [wide, wide, wide] },
        intervalMs: 1000,
        timeoutMs: 100,
        threshold: 1,
      },
    },
    'have over',
  ],
  [
    'a check of what is no URL',
    {
      check: {
        probe: { kind: 'http', url: 'http://h:99999/' },
        intervalMs: 1000,
        timeoutMs: 100,
        threshold: 1,
      },
    },
    'is no URL',
  ],
  ['too many labels', { where: { a: 'x'.repeat(2_000_000) } }, 'have over'],
  ['max-running without an array', { maxRunning: 2 }, 'is for arrays'],
  ['retries of a bot', { kind: 'continuous', retry: 1 }, 'is for one-off jobs'],
  ['a time that is none', { beginAt: 'soon' }, 'is not a time'],
  ['no time at all', { timeMs: 0 }, 'would end every run at once'],
  ['no silence at all', { kind: 'continuous', silenceMs: 0 }, 'would end every run at once'],
]
test('the longest secret that execve takes is taken', () => {
  expect(complete({ secretEnv: { A: sealed(wide.slice(2)) } })).toMatchObject({ ok: true })
})
test.each(refused)('%s is refused with a hint', (_, more, detail) => {
  const result = complete(more)
  expect(result).toMatchObject({
    ok: false,
    refusal: { code: 'refused', hint: expect.any(String) as string },
  })
  expect(result.ok || result.refusal.detail).toContain(detail)
})

test('tasks are counted on their step', () => {
  expect(tasksOf({ array: null })).toBe(1)
  expect(tasksOf({ array: { from: 1, to: 10, step: 4 } })).toBe(3)
})

test('dependencies count as a part of the job', () => {
  const after = Array.from({ length: 20_000 }, (_, nth) => ({ job: nth + 1, on: 'any' as const }))
  const result = completeSpec(request, after, defaultLimits)
  expect(result).toMatchObject({ refusal: { detail: expect.stringContaining('have over') } })
})

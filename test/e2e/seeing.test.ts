/** What owners see and change while their jobs live: lists, history, logs, edits, and the JSON that others build on. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Value } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { JobDetail, JobSummary } from '../../proto/job.ts'
import { NodeView } from '../../proto/node.ts'
import { TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
beforeAll(async () => {
  grid = await TestGrid.start({ nodes: 2, slots: 8 })
})
afterAll(() => grid.end())

const bot = (name: string, script: string, ...options: string[]) =>
  grid.submit('--continuous', '--name', name, ...options, '--', 'sh', '-c', script)
const ids = (jobs: readonly { id: number }[]) => jobs.map(({ id }) => id)

describe('lists', () => {
  it('eg jobs filters; eg history pages, newest first, and says where it ran', async () => {
    const [sleeper, held, always] = await Promise.all([
      grid.submit('--name', 'sleeper', '--', 'sleep', '600'),
      grid.submit('--name', 'held', '--hold', '--', 'true'),
      bot('always', 'sleep 600'),
    ])
    await Promise.all([grid.running(sleeper), grid.running(always)])
    const list = async (...args: string[]) => ids(await grid.json<JobSummary[]>('jobs', ...args))
    expect(await list()).toEqual([sleeper, held, always].toSorted((a, b) => a - b))
    expect(await list('--state', 'held')).toEqual([held])
    expect(await list('--kind', 'continuous')).toEqual([always])
    expect(await list('--name', 's*')).toEqual([sleeper])
    expect(await list('--owner', 'nobody-here')).toEqual([])
    expect((await grid.eg('jobs', '--state', 'bogus')).status).toBe(2)
    expect(await grid.ok('jobs')).toMatch(/JOB +NAME +KIND +STATE +NODE/)
    const ended: number[] = []
    for (const name of ['a1', 'a2', 'a3']) {
      const job = await grid.submit('--name', name, '--', 'true')
      await grid.ok('wait', String(job))
      ended.unshift(job)
    }
    const history = (...args: string[]) => grid.json<JobSummary[]>('history', ...args)
    const found = await history()
    expect(ids(found)).toEqual(ended)
    for (const job of found) expect(job.node).toMatch(/^node[12]$/)
    expect(ids(await history('--limit', '1', '--name', 'a?'))).toEqual(ended.slice(0, 1))
    expect(ids(await grid.json('jobs', '--finished', '--limit', '2'))).toEqual(ended.slice(0, 2))
    const short = await grid.eg('history', '--limit', '1')
    expect(short.stderr).toContain('there are more')
  })

  it('a job is named by number or name, a task as 17.3', async () => {
    const job = await grid.submit('--name', 'named', '--array', '1-3', '--hold', '--', 'true')
    const shown = await Promise.all([`${job}`, 'named', `${job}.2`].map((name) => grid.show(name)))
    expect(ids(shown)).toEqual([job, job, job])
    await grid.ok('release', 'named')
    await grid.ok('wait', 'named')
    expect((await grid.show(`${job}.2`)).tasks).toMatchObject([{ index: 2, outcome: 'succeeded' }])
    expect((await grid.eg('show', `${job}.x`)).status).toBe(5)
  })
})

describe('JSON', () => {
  it('has the shapes that others build on', async () => {
    const details = await Promise.all(
      ['sleeper', 'held', 'always', 'a1', 'named'].map((name) => grid.show(name)),
    )
    for (const one of details) expect([...Value.Errors(JobDetail, one)]).toEqual([])
    const keys = ['id', 'name', 'owner', 'kind', 'state', 'outcome', 'node', 'tasks']
    for (const one of details) expect(Object.keys(one)).toEqual(expect.arrayContaining(keys))
    const [sleeper] = details
    expect(sleeper?.tasks).toMatchObject([
      { index: 1, state: 'running', node: sleeper?.node, reason: null },
    ])
    const task = sleeper?.tasks[0]
    const [run] = task && 'runs' in task ? (task.runs ?? []) : []
    expect(run).toMatchObject({
      number: 1,
      epoch: 1,
      node: sleeper?.node,
      endedAt: null,
      exitCode: null,
      signal: null,
      cause: null,
    })
    expect(run?.pid).toBeGreaterThan(1)
    expect(new Date(run?.startedAt ?? '').toISOString()).toBe(run?.startedAt)
    for (const one of await grid.json<JobSummary[]>('jobs')) {
      expect([...Value.Errors(JobSummary, one)]).toEqual([])
      expect(one).toMatchObject({
        tasks: [expect.objectContaining({ state: one.state }) as object],
      })
      expect(JSON.stringify(one)).not.toContain('"runs"')
    }
    const nodes = await grid.nodes()
    for (const one of nodes) expect([...Value.Errors(NodeView, one)]).toEqual([])
    expect(nodes).toMatchObject([
      {
        name: 'node1',
        state: 'up',
        cordoned: false,
        reason: null,
        slots: 8,
        health: expect.any(Array) as object,
      },
      { name: 'node2' },
    ])
    expect(nodes.reduce((sum, { slotsUsed }) => sum + slotsUsed, 0)).toBe(2)
    const refused = await grid.eg('show', '--json', '99999')
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'not-found', status: 404 })
  })
})

describe('eg edit', () => {
  it('says when each change takes effect, and memory is changed in the living cgroup', async () => {
    const job = await bot('edited', 'echo "v=$V"; sleep 600', '--mem', '64M')
    const run = await grid.running(job)
    const change = ['--mem', '96M', '--priority=-5', '--env', 'V=2', '--time', '1h', 'edited']
    const lines = (await grid.ok('edit', ...change)).trim().split('\n').toSorted()
    expect(lines).toEqual([
      `job ${job}: --env changes with its next run`,
      `job ${job}: --mem changes now`,
      expect.stringMatching(/--priority changes (now|when it is next placed)/),
      `job ${job}: --time changes with its next run`,
    ])
    expect((await grid.eg('edit', 'edited', '--mem', '96M')).stderr).toContain('is so already')
    expect((await grid.eg('edit', 'edited')).status).toBe(2)
    expect((await grid.show(job)).spec).toMatchObject({
      memBytes: 96 * 2 ** 20,
      priority: -5,
      timeMs: 3_600_000,
    })
    const { enforcement } = await grid.node(run.node)
    if (enforcement !== 'rlimit') {
      const file = memoryLimitOf(run.pid)
      await until(() => Number(readFileSync(file, 'utf8')) === 96 * 2 ** 20, {
        what: 'the new limit',
      })
    }
    await grid.ok('restart', 'edited')
    await grid.running(job, run.number)
    await until(() => grid.text('edited.out').endsWith('v=2\n'), { what: 'the new environment' })
    await grid.ok('stop', 'edited')
  })
})

/** The file of the cgroup, of either version, that holds this process. */
function memoryLimitOf(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')
  const of = (controller: string) =>
    lines
      .map((line) => line.split(':'))
      .find(([, names]) => names === controller)
      ?.slice(2)
      .join(':')
  const found = [
    `/sys/fs/cgroup/memory${of('memory') ?? '-'}/memory.limit_in_bytes`,
    `/sys/fs/cgroup${of('') ?? '-'}/memory.max`,
  ].find((path) => existsSync(path))
  if (found === undefined) throw new Error(`no memory limit of ${pid}: ${lines.join()}`)
  return found
}

describe('suspend and resume', () => {
  it('freeze the processes and thaw them', async () => {
    const job = await bot(
      'frozen',
      'i=0; while :; do i=$((i+1)); echo $i > count; sleep 0.02; done',
    )
    await grid.running(job)
    const count = () => Number(grid.text('count'))
    await until(() => existsSync(join(grid.work, 'count')) && count() > 3)
    await grid.ok('suspend', 'frozen')
    await until(async () => (await grid.show(job)).state === 'suspended', {
      what: 'the suspension',
    })
    let before = -1
    const stands = () => before === (before = count())
    await until(stands, { everyMs: 200, what: 'it to stand still' })
    expect((await grid.ok('jobs', '--name', 'frozen')).includes('suspended')).toBe(true)
    expect(count()).toBe(before)
    await grid.ok('resume', 'frozen')
    await until(() => count() > before + 3, { what: 'it to go on' })
    expect((await grid.running(job)).number).toBe(1)
    await grid.ok('stop', '--wait', 'frozen')
  })
})

describe('eg logs', () => {
  it('of tasks, after their end too: whole, the last lines, the errors', async () => {
    const job = await grid.submit('--name', 'talker', '--', 'sh', '-c', 'seq 1 100; echo oops >&2')
    await grid.ok('wait', String(job))
    expect((await grid.ok('logs', String(job))).split('\n')).toHaveLength(101)
    expect(await grid.ok('logs', '--tail', '2', 'talker')).toBe('99\n100\n')
    expect(await grid.ok('logs', '--err', 'talker')).toBe('oops\n')
  })

  it('of a bot that writes 30 MB: all of it, over its rotated files', async () => {
    const line = '0123456789'.repeat(10).slice(1)
    const job = await bot('chatty', `yes ${line} | head -n 300000; echo the end; sleep 600`)
    await until(async () => (await grid.ok('logs', '--tail', '1', 'chatty')) === 'the end\n', {
      timeoutMs: 40_000,
      everyMs: 300,
      what: 'the end of its output',
    })
    const files = readdirSync(grid.work).filter((name) => name.startsWith('chatty.out'))
    expect(files.length).toBeGreaterThan(2)
    const text = await grid.ok('logs', String(job))
    expect(text.length).toBe(300_000 * 100 + 'the end\n'.length)
    expect(text.endsWith(`${line}\nthe end\n`)).toBe(true)
    await grid.ok('stop', 'chatty')
  })

  it('-f goes on over restarts until the job is finished; --run takes one run', async () => {
    const job = await bot(
      'series',
      'echo run $(cat n 2>/dev/null || echo 1); echo next > n; sleep 0.3; exit 1',
    )
    const followed = grid.eg('logs', '-f', 'series')
    await until(
      async () => {
        const [task] = (await grid.show(job)).tasks
        return (
          task && 'runs' in task && (task.runs?.filter(({ endedAt }) => endedAt).length ?? 0) >= 2
        )
      },
      { timeoutMs: 30_000, everyMs: 150, what: 'two runs' },
    )
    expect(await grid.ok('logs', '--run', '1', 'series')).toBe('run 1\n')
    expect(await grid.ok('logs', '--run', '2', 'series')).toBe('run next\n')
    expect((await grid.eg('logs', '--run', '99', 'series')).status).toBe(5)
    await grid.ok('stop', '--wait', 'series')
    const { status, stdout } = await followed
    expect(status).toBe(0)
    expect(stdout).toBe(grid.text('series.out'))
    expect(stdout.split('\n').length).toBeGreaterThan(2)
  })
})

describe('eg stop', () => {
  it('--all asks with a count before it does what cannot be undone', async () => {
    const dry = await grid.ok('stop', '--all', '--dry-run')
    expect(dry).toContain('would stop')
    const asked = await grid.eg('stop', '--all')
    expect(asked.status).toBe(2)
    expect(asked.stderr).toMatch(/this would stop \d+ jobs? \(.*sleeper.*say --yes/)
    expect((await grid.show('sleeper')).state).toBe('running')
    await grid.ok('stop', '--name', 'slee*', '--yes', '--wait', '--why', 'enough')
    expect(await grid.show('sleeper')).toMatchObject({
      outcome: 'cancelled',
      cause: { why: 'enough' },
    })
    await grid.ok('stop', '--all', '--yes', '--wait')
    expect((await grid.eg('jobs')).stderr).toContain('no live jobs')
    expect((await grid.nodes()).map(({ slotsUsed }) => slotsUsed)).toEqual([0, 0])
  })
})

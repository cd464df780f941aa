/** qstat where others wrote what it shows, and where its words are no plain names. */
import { beforeEach, expect, test } from 'vitest'

import { GridEngineWorld } from '../../support/grid-engine.ts'

let world: GridEngineWorld
beforeEach(async () => {
  world = await GridEngineWorld.open()
})
const qstat = (...argv: string[]) => world.run('alice', ['qstat', ...argv])

/** A job of bob's with a note in qsub's place that he wrote himself. */
const submitNoted = async (qsub: string) =>
  world.client('bob').call('submitJob', {
    body: { kind: 'task', name: 'his', command: ['sleep'], cwd: '/', notes: { qsub } },
  })

test.each([
  '{',
  'null',
  '5',
  '{}',
  '{"flags":5}',
  '{"flags":[[]],"words":[],"isBinary":true,"cwd":""}',
])('a note %s is nobody’s stumbling block', async (note) => {
  const { job } = await submitNoted(note)
  expect(await qstat('-u', '*', '-r')).toMatchObject({ exit: 0, stderr: '' })
  expect(await qstat('-u', '*', '-r', '-xml')).toMatchObject({ exit: 0, stderr: '' })
  expect((await qstat('-j', String(job))).stdout).toMatch(/^script_file: +sleep$/m)
})

test('what a note says is shown, judged by nobody, and steers neither terminal nor XML', async () => {
  const flags = [['-soft'], ['-l', 'foo=bar\u0001'], ['-hard'], ['-q', 'x\u001B]0;title\u0007']]
  const note = { flags, words: ['\u001B[2J'], isBinary: true, cwd: '/\u202E' }
  const { job } = await submitNoted(JSON.stringify(note))
  for (const argv of [
    ['-u', '*', '-r'],
    ['-u', '*', '-r', '-xml'],
    ['-j', String(job)],
  ]) {
    const { exit, stdout } = await qstat(...argv)
    expect(exit).toBe(0)
    expect(stdout).toMatch(/foo/)
    // oxlint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u202E]/)
  }
})

test('in -f -xml each job is in its own queue alone', async () => {
  await world.client('root').call('addQueue', { body: { name: 'short.q', kinds: ['task'] } })
  await world.submit('alice', 10, '-q short.q -b y sleep 9')
  await world.submit('alice', 11, '-b y sleep 9')
  await world.start()
  const { stdout } = await qstat('-f', '-xml')
  const lists = [...stdout.matchAll(/<Queue-List>[^]*?<\/Queue-List>/g)].map(([list]) => [
    /<name>(.*)<\/name>/.exec(list)?.[1],
    ...(list.match(/(?<=<JB_job_number>)\d+/g) ?? []),
  ])
  expect(new Set(lists.map((list) => list.join(' ')))).toEqual(
    new Set(['all.q@vm 11', 'short.q@vm 10']),
  )
})

test('-u takes patterns, and a state that is none is told also where there are no jobs', async () => {
  await world.submit('alice', 10, '-b y sleep 9')
  expect((await qstat('-u', 'al[a-m]*')).stdout).toContain(' alice ')
  expect((await qstat('-u', '[!b]*')).stdout).toContain(' alice ')
  expect((await qstat('-u', 'b*')).stdout).toBe('')
  expect(await qstat('-u', '[z-a]', '-q', String.raw`[\]`)).toMatchObject({ exit: 1, stderr: '' })
  expect(await qstat('-u', 'bob', '-s', 'bogus')).toEqual({
    exit: 1,
    stdout: '',
    stderr: 'invalid job state "bogus"\n',
  })
})

/** Grid Engine's commands that act on jobs: each of those that are named, and never more than was named. */
import { beforeEach, describe, expect, test } from 'vitest'

import { GridEngineWorld } from '../../support/grid-engine.ts'

let world: GridEngineWorld
const run = (line: string) => world.run('alice', line.split(' '))
const spec = async (job: string) =>
  (await world.client('alice').call('showJob', { params: { job } })).spec
/** Live jobs with their tasks that wait or run, as in `12 hqw 1-5:1`. */
async function left(): Promise<string[]> {
  const { stdout } = await world.run('alice', ['qstat', '-u', '*'])
  return stdout
    .split('\n')
    .slice(2, -1)
    .map((line) => {
      const [job, , , , state, ...rest] = line.trim().split(/\s+/)
      return [job, state, rest.at(-1)?.match(/[-,]|^\d$/) && rest.length > 3 ? rest.at(-1) : '']
        .join(' ')
        .trim()
    })
}

beforeEach(async () => {
  world = await GridEngineWorld.open()
  await world.submit('alice', 10, '-N one -b y sleep 9')
  await world.submit('alice', 11, '-N two -b y sleep 9')
  await world.submit('alice', 12, '-N arr -t 1-5 -b y sleep 9')
  await world.submit('bob', 13, '-N his -b y sleep 9')
})

describe('a refusal keeps nothing from the jobs after it', () => {
  test('qhold and qrls', async () => {
    expect(await run('qhold 9999 10 13 11')).toMatchObject({
      exit: 3,
      stdout: expect.stringMatching(/9999[^]*hold of job 10\n[^]*job 13[^]*hold of job 11\n$/),
    })
    expect(await left()).toEqual(['12 qw 1-5:1', '13 qw', '10 hqw', '11 hqw'])
    expect((await run('qrls 9999 10')).stdout).toContain('modified hold of job 10')
  })

  test('qalter', async () => {
    expect(await run('qalter -p -5 9999 10')).toMatchObject({ exit: 1 })
    expect((await spec('10')).priority).toBe(-5)
  })

  test('qmod, of jobs and of queues', async () => {
    await world.start()
    const done = await run('qmod -sj 9999,10 11')
    expect(done.exit).toBe(1)
    expect(done.stdout.match(/suspended job \d+/g)).toEqual([
      'suspended job 10',
      'suspended job 11',
    ])
    await world.grid.node('other', { slots: 1, memBytes: 1e9, labels: {} })
    const denied = await run('qmod -d all.q')
    expect(denied.stdout.match(/modify queue "all\.q@\w+"/g)).toHaveLength(2)
  })
})

describe('what names tasks or users never means more', () => {
  test.each([
    ['qdel -t 1-2 12', '-t stands behind its job'],
    ['qdel arr -t 1-2', '-t takes a job by its number'],
    ['qdel 12 -t 1-99999999999', 'at most 100000 tasks at once'],
    ['qdel 12.0-', 'invalid job-task identifier'],
    ['qhold -t 1 12', '-t stands behind its job'],
    ['qmod -sj arr -t 1', '-t takes a job by its number'],
    ['qmod -t 1 -sj 12', 'one thing at a time'],
    ['qmod -sj 12 -rj 10', 'one thing at a time'],
    ['qalter -p -5 12.2', 'a job is changed as a whole'],
  ])('%s is refused', async (line, problem) => {
    const refused = await run(line)
    expect(refused).toMatchObject({ exit: 1, stdout: '' })
    expect(refused.stderr).toContain(problem)
    expect(await left()).toEqual(['10 qw', '11 qw', '12 qw 1-5:1', '13 qw'])
  })

  test('several ranges behind one job, and a range of qmod', async () => {
    expect((await run('qdel 12 -t 1-2 -t 5')).stdout).toBe(
      'alice has deleted job-array tasks 1,2,5 of job 12\n',
    )
    await world.start()
    const done = await run('qmod -sj 10 12 -t 4 11')
    expect(done.stdout.match(/suspended .*/g)).toEqual([
      'suspended job 10',
      'suspended job-array task 12.4',
      'suspended job 11',
    ])
  })

  test('qdel -u with jobs deletes those of them that are of the user', async () => {
    const done = await world.run('root', 'qdel -u alice,bob 10 his nosuch'.split(' '))
    expect(done.exit).toBe(1)
    expect(done.stdout).toMatch(/job 10\n[^]*job 13\nThe job nosuch of user\(s\) alice,bob/)
    expect(await left()).toEqual(['11 qw', '12 qw 1-5:1'])
    expect((await run('qdel -u bob 10 11')).exit).toBe(1)
    expect(await left()).toEqual(['11 qw', '12 qw 1-5:1'])
  })

  test('qhold -u with jobs, and without', async () => {
    expect((await run('qhold -u alice 10 13')).exit).toBe(3)
    expect(await left()).toEqual(['11 qw', '12 qw 1-5:1', '13 qw', '10 hqw'])
    expect((await run('qhold -u alice')).exit).toBe(0)
    expect(await left()).toContain('12 hqw 1-5:1')
  })
})

describe('qalter says that it changed something only where it did', () => {
  test.each([
    ['qalter -r y 10', 1, '-r cannot be changed'],
    ['qalter -tc abc 12', 7, 'invalid task concurrency number "abc"'],
    ['qalter -p abc 10', 7, 'invalid priority "abc"'],
  ])('%s', async (line, exit, problem) => {
    const refused = await run(line)
    expect(refused).toMatchObject({ exit, stdout: '' })
    expect(refused.stderr).toContain(problem)
  })

  test('-o of a job with -j y is also where its errors go, and -e changes nothing', async () => {
    await world.submit('alice', 20, '-j y -o /tmp/x -b y sleep 9')
    await run('qalter -o /tmp/y 20')
    expect(await spec('20')).toMatchObject({ out: '/tmp/y', err: '/tmp/y' })
    await run('qalter -e /tmp/z 20')
    expect(await spec('20')).toMatchObject({ out: '/tmp/y', err: '/tmp/y' })
  })
})

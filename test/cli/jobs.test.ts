import { execFileSync } from 'node:child_process'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import type { JobDetail } from '../../proto/job.ts'
import { eg } from '../support/eg.ts'
import { fakeApi, ownDataFolder, Refused, type FakeApi } from '../support/fake-api.ts'
import { arrayTask, counts, jobDetail, jobSummary } from '../support/samples.ts'

const ownUmask = Number.parseInt(execFileSync('sh', ['-c', 'umask']).toString(), 8)
let api: FakeApi
let data: ReturnType<typeof ownDataFolder>
const run = (argv: string[], more: object = {}) => eg(argv, { url: api.url, ...more })
const bodyOf = (name: string) => api.heard.findLast((heard) => heard.name === name)?.body

beforeEach(async () => {
  process.env['TZ'] = 'UTC'
  data = ownDataFolder()
  api = await fakeApi({
    submitJob: () => ({ job: 17, name: 'bot', tasks: 1, warnings: [] }),
    showJob: () => jobDetail(),
  })
})
afterEach(async () => {
  await api.close()
  data.remove()
})

describe('submit', () => {
  test('sends the command as typed, with directory, umask and basic environment', async () => {
    const env = { PATH: '/bin', LC_ALL: 'C', SECRET: 'x', TERM: 'vt100', EDITOR: 'ed' }
    const ran = await run(
      ['submit', '--env', 'EDITOR', '--env=A=b=c', '--', './bot', '--name', 'x', '--'],
      { env },
    )
    expect(ran).toMatchObject({ status: 0, out: 'job 17 submitted\n', err: '' })
    expect(bodyOf('submitJob')).toEqual({
      kind: 'task',
      command: ['./bot', '--name', 'x', '--'],
      cwd: '/home/ada',
      umask: ownUmask,
      env: { PATH: '/bin', LC_ALL: 'C', EDITOR: 'ed', A: 'b=c' },
    })
  })

  test('a job for another account takes home and shell from there, and what is said from here', async () => {
    const env = { PATH: '/bin', HOME: '/root', SHELL: '/bin/zsh', USER: 'root', LOGNAME: 'root' }
    await run(['submit', '--owner', 'ada', '--', 'true'], { env })
    expect(bodyOf('submitJob')).toMatchObject({ owner: 'ada', env: { PATH: '/bin' } })
    expect(bodyOf('submitJob')).not.toHaveProperty('env.HOME')
    expect(bodyOf('submitJob')).not.toHaveProperty('env.SHELL')
    await run(['submit', '--owner', 'ada', '--env', 'HOME', '--', 'true'], { env })
    expect(bodyOf('submitJob')).toMatchObject({ env: { HOME: '/root' } })
    await run(['submit', '--', 'true'], { env })
    expect(bodyOf('submitJob')).toMatchObject({ env })
  })

  test('needs no dashes before a command', async () => {
    await run(['submit', '--name', 'a', 'sleep', '-5', '--hold'])
    expect(bodyOf('submitJob')).toMatchObject({ name: 'a', command: ['sleep', '-5', '--hold'] })
    expect(bodyOf('submitJob')).not.toHaveProperty('hold')
  })

  test('every option of a task', async () => {
    const line =
      '--name n --slots 2 --cpu 1.5 --mem 1G --time 1h --queue task --where disk=ssd --resource lock --resource seats=2 --cwd sub --out o --err e --stdin i ' +
      '--priority -3 --after 4:any --after prep --array 1-9:2 --max-running 3 --retry 2 --hold --begin +1h --pids 9 ' +
      '--stop-signal INT --grace 3s --on-partition stop --warn-before 5s --quiet'
    const ran = await run(['submit', ...line.split(' '), '--', 'true'])
    expect(ran.out).toBe('17\n')
    expect(bodyOf('submitJob')).toMatchObject({
      name: 'n',
      kind: 'task',
      slots: 2,
      cpuCores: 1.5,
      memBytes: 2 ** 30,
      timeMs: 3_600_000,
      queue: 'task',
      where: { disk: 'ssd' },
      resources: { lock: 1, seats: 2 },
      cwd: '/home/ada/sub',
      out: 'o',
      err: 'e',
      stdin: 'i',
      priority: -3,
      after: [
        { job: '4', on: 'any' },
        { job: 'prep', on: 'ok' },
      ],
      array: { from: 1, to: 9, step: 2 },
      maxRunning: 3,
      retry: 2,
      hold: true,
      beginAt: '2026-11-23T09:00:00.000Z',
      pids: 9,
      stop: { signal: 'SIGINT', graceMs: 3000 },
      onPartition: 'stop',
      warn: { signal: 'SIGUSR2', beforeMs: 5000 },
    })
  })

  test('a continuous job with a check', async () => {
    const line =
      '--continuous --restart on-failure --check-http http://localhost/ --check-interval 5s --silence 10m'
    await run(['submit', ...line.split(' '), '--', 'true'])
    expect(bodyOf('submitJob')).toMatchObject({
      kind: 'continuous',
      restart: 'on-failure',
      check: {
        probe: { kind: 'http', url: 'http://localhost/' },
        intervalMs: 5000,
        timeoutMs: 10_000,
        threshold: 3,
      },
      silenceMs: 600_000,
    })
  })

  test('an array says how many, JSON says what the scheduler says', async () => {
    api.handlers.submitJob = () => ({
      job: 18,
      name: 'a',
      tasks: 100,
      warnings: ['TMPDIR is small'],
    })
    const ran = await run(['submit', '--array', '1-100', '--', 'true'])
    expect(ran).toMatchObject({
      out: 'job 18 submitted (100 tasks)\n',
      err: 'eg: TMPDIR is small\n',
    })
    const asJson = await run(['submit', '--json', '--', 'true'])
    expect(JSON.parse(asJson.out)).toMatchObject({ job: 18, tasks: 100 })
  })

  const wrong: [string[], string][] = [
    [['submit'], 'name the command to run'],
    [['submit', '--'], 'name the command to run'],
    [['submit', '--silence', '5m', '--', 'true'], '--silence is for --continuous jobs'],
    [['submit', '--continuous', '--array', '1-2', '--', 'true'], '--array is for one-off jobs'],
    [['submit', '--continuous', '--check-timeout', '2s', '--', 'true'], 'name what is checked'],
    [['submit', '--max-running', '2', '--', 'true'], '--max-running is for arrays'],
    [['submit', '--env', 'NOT_SET_HERE', '--', 'true'], 'NOT_SET_HERE is not set here'],
  ]
  test.each(wrong)('%j is wrong usage', async (argv, problem) => {
    const ran = await run(argv)
    expect(ran.status).toBe(2)
    expect(ran.err).toContain(problem)
    expect(ran.err).toContain('eg: try: eg submit --help')
    expect(api.heard).toEqual([])
  })
})

describe('errors', () => {
  const refused = (code: 'name-taken' | 'forbidden' | 'not-found') => () => {
    throw new Refused({ code, detail: 'job 3 is called so', hint: 'take another name' })
  }

  test.each([
    ['name-taken', 1],
    ['forbidden', 4],
    ['not-found', 5],
  ] as const)('%s exits with %i', async (code, status) => {
    api.handlers.submitJob = refused(code)
    const ran = await run(['submit', '--', 'true'])
    expect(ran).toMatchObject({
      status,
      out: '',
      err: 'eg: job 3 is called so\neg: take another name\n',
    })
  })

  test('with --json they are problems on stderr', async () => {
    api.handlers.submitJob = refused('name-taken')
    const ran = await run(['submit', '--json', '--', 'true'])
    expect(JSON.parse(ran.err)).toMatchObject({
      code: 'name-taken',
      status: 409,
      hint: 'take another name',
    })
    expect(JSON.parse((await run(['jobs', '--json', '--zzz'])).err)).toMatchObject({
      code: 'invalid',
    })
  })

  test('nobody listens: 3', async () => {
    await api.close()
    const ran = await run(['jobs'])
    expect(ran.status).toBe(3)
    expect(ran.err).toContain(`eg: cannot reach the scheduler at ${api.url}: nothing listens there`)
  })

  test('that it is tried again is for people: with --json stderr is the problem alone', async () => {
    await api.close()
    const env = { EVERGRID_PATIENCE: '2700ms' }
    const [told, json] = await Promise.all([
      run(['jobs'], { env }),
      run(['jobs', '--json'], { env }),
    ])
    expect(told.err).toContain('; trying again\n')
    expect(JSON.parse(json.err)).toMatchObject({ code: 'unreachable', status: null })
  })

  test('an unknown command: 2, with the nearest one', async () => {
    expect(await run(['jbos'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('"eg jobs"'),
    })
  })
})

describe('wait', () => {
  test('its own failures are 125 however it is asked for', async () => {
    for (const asked of ['--wait', '-w', '-qw'])
      expect((await run(['submit', asked, '--slots', 'x', '--', 'true'])).status).toBe(125)
    expect((await run(['submit', '--slots', 'x', '--', 'true', '-w'])).status).toBe(2)
  })

  test('one task of a job is waited for by itself', async () => {
    api.handlers.waitJob = () => jobSummary({ state: 'running' })
    const states = ['running', 'finished'] as const
    api.handlers.showJob = () => {
      const asked = api.heard.filter(({ name }) => name === 'showJob').length
      const state = states[asked - 1] ?? 'finished'
      const cause = { kind: 'exit', code: 3 } as const
      return jobDetail({ tasks: [{ ...arrayTask, index: 3, state, outcome: 'failed', cause }] })
    }
    const ran = await run(['wait', '17.3'])
    expect(ran).toMatchObject({ status: 3 })
    expect(ran.err).toContain('eg: task 17.3 ')
    // Which tasks a job has is the scheduler's to say.
    api.handlers.showJob = ({ params }) => {
      throw new Refused({ code: 'not-found', detail: `nothing is ${params.job}` })
    }
    const none = await run(['wait', '17.9'])
    expect(none).toMatchObject({ status: 125 })
    expect(none.err).toContain('nothing is 17.9')
  })

  const finished = (some: object) => jobSummary({ state: 'finished', outcome: 'failed', ...some })
  const cases = [
    [{ outcome: 'succeeded', cause: { kind: 'exit', code: 0 } }, 0],
    [{ cause: { kind: 'exit', code: 3 } }, 3],
    [{ cause: { kind: 'signal', signal: 'SIGSEGV' } }, 139],
    [{ cause: { kind: 'out-of-memory', victim: null, peakBytes: null, limitBytes: null } }, 137],
    [{ outcome: 'cancelled', cause: { kind: 'cancelled', by: 'ada', why: '' } }, 143],
    [{ cause: { kind: 'could-not-start', call: 'execve', error: 'ENOENT', detail: 'x' } }, 127],
    [{ cause: { kind: 'could-not-start', call: 'execve', error: 'EACCES', detail: 'x' } }, 126],
    [{ cause: { kind: 'dependency-failed', job: 3, detail: '' } }, 1],
  ] as const
  test.each(cases)('%j exits with %i', async (some, status) => {
    api.handlers.waitJob = () => finished(some)
    expect((await run(['wait', '17'])).status).toBe(status)
  })

  test('asks again until it is finished', async () => {
    let times = 0
    api.handlers.waitJob = () =>
      ++times < 3 ? jobSummary() : finished({ cause: { kind: 'exit', code: 9 } })
    expect((await run(['submit', '--wait', '--', 'true'])).status).toBe(9)
    expect(times).toBe(3)
  })

  test('an array ends as its lowest task that failed', async () => {
    const array = { from: 1, to: 4, step: 1 }
    const tasks = (from: number): JobDetail['tasks'] => [
      { ...arrayTask, index: from, state: 'finished', outcome: 'succeeded' },
      from === 1
        ? { ...arrayTask, index: 2, state: 'finished', outcome: 'succeeded' }
        : {
            ...arrayTask,
            index: 4,
            state: 'finished',
            outcome: 'failed',
            cause: { kind: 'exit', code: 7 },
          },
    ]
    api.handlers.waitJob = () => finished({ array, cause: null })
    api.handlers.showJob = ({ query }) =>
      query['tasks'] === '1-4'
        ? jobDetail({ tasks: tasks(1), tasksNext: 3 })
        : jobDetail({ tasks: tasks(3), tasksNext: null })
    expect((await run(['wait', 'arr'])).status).toBe(7)
  })

  test('failures of its own are 125', async () => {
    expect((await run(['wait', '99'])).status).toBe(125)
    expect((await run(['wait'])).status).toBe(125)
    api.handlers.submitJob = () => {
      throw new Refused({ code: 'over-quota', detail: 'too many' })
    }
    expect((await run(['submit', '--wait', '--', 'true'])).status).toBe(125)
    expect((await run(['submit', '-qw', '--', 'true'])).status).toBe(125)
    expect((await run(['submit', '--bogus', '--wait', 'true'])).status).toBe(125)
    expect((await run(['submit', '--', 'prog', '--wait'])).status).toBe(1)
    const ofProgram = await run(['submit', 'prog', '--wait', '--json'])
    expect(ofProgram).toMatchObject({ status: 1, err: 'eg: too many\n' })
  })
})

describe('actions', () => {
  const done = (...jobs: number[]) => ({
    done: jobs.map((job) => ({ job, task: null, name: 'bot', detail: 'stopping' })),
    refused: [],
  })

  test('named jobs are not asked about', async () => {
    api.handlers.stopJobs = () => done(17)
    const ran = await run(['stop', '17', 'bot', '17.3', '--why', 'broken'])
    expect(ran).toMatchObject({ status: 0, out: 'job 17 bot: stopping\n', asked: [] })
    expect(bodyOf('stopJobs')).toEqual({ jobs: ['17', 'bot', '17.3'], why: 'broken' })
  })

  test('--all asks with a count, and does nothing for a no', async () => {
    api.handlers.stopJobs = () => done(17, 18)
    const no = await run(['stop', '--all'], { answer: false })
    expect(no).toMatchObject({ status: 1, asked: ['stop 2 jobs (bot)?'] })
    expect(api.heard.map(({ body }) => body)).toEqual([{ all: true, dryRun: true }])
    const yes = await run(['stop', '--all'], { answer: true })
    expect(yes.status).toBe(0)
    expect(bodyOf('stopJobs')).toEqual({ all: true })
  })

  test('where nobody can answer it wants --yes', async () => {
    api.handlers.stopJobs = () => done(17, 18)
    const mute = await run(['stop', '--name', 'b*'])
    expect(mute).toMatchObject({ status: 2, err: expect.stringContaining('say --yes') })
    expect((await run(['stop', '--name', 'b*', '--yes'])).status).toBe(0)
    expect(bodyOf('stopJobs')).toEqual({ name: 'b*' })
  })

  test('a refusal is the exit status', async () => {
    api.handlers.holdJobs = () => ({
      done: [],
      refused: [{ ref: '99', code: 'not-found', detail: 'there is no job 99' }],
    })
    expect(await run(['hold', '99'])).toMatchObject({
      status: 5,
      err: 'eg: 99: there is no job 99\n',
    })
    const refused = { code: 'forbidden', detail: 'it is of ann', hint: 'ask ann' }
    api.handlers.holdJobs = () => ({
      done: [],
      refused: ['98', '99'].map((ref) => ({ ref, ...refused })),
    })
    expect(await run(['hold', '98', '99'])).toMatchObject({
      status: 4,
      err: 'eg: 98: it is of ann\neg: 99: it is of ann\neg: ask ann\n',
    })
  })

  test('one way of naming at a time', async () => {
    expect((await run(['stop'])).status).toBe(2)
    expect((await run(['stop', '17', '--all'])).status).toBe(2)
  })

  test('stop --wait waits until it is gone', async () => {
    let times = 0
    api.handlers.stopJobs = () => done(17)
    api.handlers.waitJob = () => (++times < 2 ? jobSummary() : jobSummary({ state: 'finished' }))
    await run(['stop', '--wait', '17'])
    expect(times).toBe(2)
  })
})

describe('edit', () => {
  beforeEach(() => {
    api.handlers.editJob = () => ({ job: 17, changed: [{ field: 'memBytes', effect: 'next-run' }] })
  })

  test('says when each change takes effect', async () => {
    const ran = await run(['edit', 'bot', '--mem', '1G', '--', './bot2'])
    expect(ran.out).toBe('job 17: --mem changes with its next run\n')
    expect(bodyOf('editJob')).toEqual({ memBytes: 2 ** 30, command: ['./bot2'] })
  })

  test('a refusal that names fields names the options', async () => {
    const refused = (detail: string) => () => {
      throw new Refused({ code: 'invalid', detail })
    }
    api.handlers.editJob = refused(
      'memBytes must be >= 1048576 (1M); check.intervalMs must be >= 1000 (1s)',
    )
    const ran = await run([
      'edit',
      'bot',
      '--mem',
      '1',
      '--check-command',
      'x',
      '--check-interval',
      '1ms',
    ])
    expect(ran.err).toBe(
      'eg: --mem must be >= 1048576 (1M); --check-interval must be >= 1000 (1s)\n',
    )
    api.handlers.addSchedule = refused('job.timeMs must be >= 1')
    const added = await run(['schedule', 'add', 'n', '@daily', '--time', '1ms', '--', 'true'])
    expect(added.err).toBe('eg: --time must be >= 1\n')
    const badUrl = 'is not well formed: it begins with http:// or https://'
    api.handlers.submitJob = refused(`check.probe.url ${badUrl}`)
    const submitted = await run(['submit', '--continuous', '--check-http', 'x', '--', 'true'])
    expect(submitted.err).toBe(`eg: --check-http ${badUrl}\n`)
  })

  test('half of a pair keeps the other half, a variable keeps the others', async () => {
    await run(['edit', 'bot', '--grace', '1m', '--env', 'A=1'])
    expect(bodyOf('editJob')).toEqual({
      stop: { signal: 'SIGINT', graceMs: 60_000 },
      env: { PATH: '/usr/bin', A: '1' },
    })
  })

  test('nothing to change is wrong usage', async () => {
    expect((await run(['edit', 'bot'])).status).toBe(2)
  })
})

describe('JSON of lists', () => {
  test('jobs carry their tasks, without runs', async () => {
    const array = { from: 1, to: 9, step: 1 }
    api.handlers.listJobs = () => ({
      jobs: [
        jobSummary(),
        jobSummary({ id: 18, array, state: 'pending', counts: counts({ pending: 9 }), node: null }),
        jobSummary({ id: 19, array, counts: counts({ pending: 8, running: 1 }) }),
      ],
      next: null,
    })
    const { out } = await run(['jobs', '--json'])
    const [plain, untouched, mixed] = JSON.parse(out) as Record<string, unknown>[]
    expect(plain).toMatchObject({ id: 17, tasks: [{ index: 1, state: 'running', node: 'node1' }] })
    expect(untouched).toMatchObject({ tasks: [{ range: [1, 9], state: 'pending' }] })
    expect(mixed).toMatchObject({ tasks: [{ index: 1, state: 'running' }] })
    expect(out).not.toContain('runs')
    expect(api.heard.filter(({ name }) => name === 'showJob')).toHaveLength(1)
  })

  test('a list goes on to the next page until its limit', async () => {
    api.handlers.listJobs = ({ query }) => ({
      jobs: [jobSummary({ id: query['page'] === undefined ? 1 : 2 })],
      next: 'more',
    })
    const ran = await run(['history', '--limit', '2', '--all'])
    expect(api.heard.map(({ query }) => query)).toEqual([
      { all: 'true', finished: 'true', limit: '2' },
      { all: 'true', finished: 'true', limit: '1', page: 'more' },
    ])
    expect(ran.err).toBe(
      'eg: there are more than these 2: see them with a greater limit, as --limit 20\n',
    )
  })
})

test('show --tasks pages an array', async () => {
  await run(['show', '--json', '--tasks', '101-200', 'arr'])
  expect(api.heard[0]).toMatchObject({ params: { job: 'arr' }, query: { tasks: '101-200' } })
  expect((await run(['show', '--tasks', 'x', 'arr'])).status).toBe(2)
  expect((await run(['show', '--tasks', '9-3', 'arr'])).err).toContain('ends before it begins')
})

test('logs prints bytes, and notes on stderr', async () => {
  api.handlers.readLog = () => ({
    data: Buffer.from('héllo\n').toString('base64'),
    cursor: null,
    end: true,
    over: true,
    note: 'only the kept tail is left',
    missing: true,
  })
  expect(await run(['logs', '-f', '--err', '--tail', '3', '17.2'])).toMatchObject({
    status: 1,
    out: 'héllo\n',
    err: 'eg: only the kept tail is left\n',
  })
  expect(api.heard[0]).toMatchObject({
    params: { job: '17.2' },
    query: { stream: 'err', tail: '3' },
  })
  // A note alone is no failure.
  api.handlers.readLog = () => ({
    data: '',
    cursor: null,
    end: true,
    over: false,
    note: 'it has not started yet',
  })
  expect(await run(['logs', '17.2'])).toMatchObject({
    status: 0,
    err: 'eg: it has not started yet\n',
  })
})

import { afterEach, beforeEach, expect, test } from 'vitest'

import { table } from '../../src/cli/render/table.ts'
import { eg } from '../support/eg.ts'
import { fakeApi, ownDataFolder, type FakeApi } from '../support/fake-api.ts'
import { counts, jobDetail, jobSummary, nodeView, schedule } from '../support/samples.ts'

let api: FakeApi
let data: ReturnType<typeof ownDataFolder>
const printed = async (...argv: string[]) => (await eg(argv, { url: api.url })).out

beforeEach(async () => {
  process.env['TZ'] = 'UTC'
  data = ownDataFolder()
  api = await fakeApi()
})
afterEach(async () => {
  await api.close()
  data.remove()
})

test('jobs', async () => {
  const jobs = [
    jobSummary(),
    jobSummary({
      id: 18,
      name: 'crashy',
      state: 'backoff',
      crashLoop: true,
      reason: '6 ends in a row',
      restarts: 6,
    }),
    jobSummary({
      id: 119,
      name: 'squares',
      kind: 'task',
      node: null,
      array: { from: 1, to: 100, step: 1 },
      counts: counts({ running: 3, pending: 97 }),
      restarts: 0,
    }),
    jobSummary({
      id: 120,
      state: 'pending',
      node: null,
      reason: 'no node has 64G free',
      memBytes: 2 ** 36,
      restarts: 0,
    }),
  ]
  api.handlers.listJobs = () => ({ jobs, next: null })
  expect(await printed('jobs')).toMatchInlineSnapshot(`
    "JOB  NAME     KIND        STATE       NODE   SLOTS   MEM    AGE  RESTARTS  WHY
     17  bot      continuous  running     node1      1  512M  1h30m         2
     18  crashy   continuous  crash loop  node1      1  512M  1h30m         6  6 ends in a row
    119  squares  task        running     -          1  512M  1h30m         0  97 pending, 3 running
    120  bot      continuous  pending     -          1   64G  1h30m         0  no node has 64G free
    "
  `)
})

test('finished jobs of everybody', async () => {
  const ended = { state: 'finished', finishedAt: '2026-11-23T07:59:30.000Z' } as const
  const jobs = [
    jobSummary({ ...ended, outcome: 'failed', cause: { kind: 'exit', code: 3 } }),
    jobSummary({
      ...ended,
      outcome: 'cancelled',
      cause: { kind: 'cancelled', by: 'root', why: 'too loud' },
    }),
  ]
  api.handlers.listJobs = () => ({ jobs, next: null })
  expect(await printed('history', '--all')).toMatchInlineSnapshot(`
    "JOB  NAME  OWNER  KIND        STATE      NODE   SLOTS   MEM    AGE  ENDED  WHY
     17  bot   ada    continuous  failed     node1      1  512M  1h30m    30s  exit 3
     17  bot   ada    continuous  cancelled  node1      1  512M  1h30m    30s  stopped by root: too loud
    "
  `)
})

test('show', async () => {
  api.handlers.showJob = () => jobDetail()
  expect(await printed('show', 'bot')).toMatchInlineSnapshot(`
    "job:       17 bot
    owner:     ada
    kind:      continuous
    state:     running
    node:      node1
    submitted: 2026-11-23 06:30:00
    started:   2026-11-23 06:30:01
    restarts:  2
    command:   ./bot --lang 'it'\\''s'
    directory: /home/ada
    variables: PATH
    slots:     1
    memory:    512M
    processes: 1024 at most
    queue:     continuous
    restart:   always
    stop:      SIGINT, SIGKILL after 5s
    cut off:   stops, to run elsewhere

    RUN  NODE    PID  STARTED              ENDED                 CPU  PEAK  CAUSE
      1  node1  4242  2026-11-23 06:30:01  2026-11-23 06:40:01  1m1s    1M  exit 3

    WHEN                 WHAT       DETAIL
    2026-11-23 06:30:00  submitted  submitted (by ada)
    2026-11-23 06:30:01  placed     placed on node1
    "
  `)
})

test('explain', async () => {
  api.handlers.explainJob = () => ({
    job: 17,
    state: 'pending',
    summary: 'waits for memory',
    reasons: [
      { code: 'memory', nodes: 2, detail: '2 nodes with too little memory free' },
      { code: 'cordoned', nodes: 1, detail: '1 node is cordoned: new disk' },
    ],
    wayOut: 'ask for 2G instead of 64G',
    ahead: 3,
  })
  expect(await printed('explain', '17')).toMatchInlineSnapshot(`
    "job 17: waits for memory
      2 nodes with too little memory free
      1 node is cordoned: new disk
      3 waiting tasks before it
    what would let it start: ask for 2G instead of 64G
    "
  `)
})

test('nodes', async () => {
  const nodes = [
    nodeView(),
    nodeView({ name: 'node2', state: 'silent', cordoned: true, reason: 'silent for 25s' }),
  ]
  api.handlers.listNodes = () => ({ nodes })
  expect(await printed('nodes')).toMatchInlineSnapshot(`
    "NODE   STATE             SLOTS      MEM  TASKS  LIMITS BY  WHY
    node1  up                  1/4  512M/4G      1  cgroup1
    node2  silent, cordoned    1/4  512M/4G      1  cgroup1    silent for 25s
    "
  `)
})

const drain = {
  state: 'draining',
  by: 'root',
  reason: 'new disk',
  startedAt: '2026-11-23T07:00:00.000Z',
  deadlineAt: '2026-11-23T09:00:00.000Z',
  then: 'requeue',
  atOnce: 4,
  steps: [
    { task: '17.1', name: 'bot', owner: 'ada', what: 'moving', to: 'node2', detail: '' },
    { task: '20.1', name: 'fat', owner: 'bob', what: 'no-room', to: null, detail: 'needs 64G' },
  ],
  left: 2,
} as const

test('node show', async () => {
  api.handlers.showNode = () =>
    nodeView({ drain: { ...drain, steps: [...drain.steps] }, reason: 'drain: new disk' })
  expect(await printed('node', 'show', 'node1')).toMatchInlineSnapshot(`
    "node:        node1
    state:       up, draining
    why:         drain: new disk
    slots:       1 of 4 given
    memory:      512M of 4G given
    tasks:       1
    limits by:   cgroup1
    labels:      disk=ssd
    version:     0.1.0
    last report: 2026-11-23 07:59:58
    lease:       no end: the grid has one node

    PROBE       VERDICT  VALUE     THRESHOLD         SINCE
    spool-disk  ok       40% free  failing below 5%  2026-11-23 06:00:00

    drain:    draining
    by:       root
    reason:   new disk
    deadline: 2026-11-23 09:00:00, then requeue
    left:     2 tasks; at most 4 bots at once

    TASK  NAME  OWNER  WHAT     TO     DETAIL
    17.1  bot   ada    moving   node2
    20.1  fat   bob    no-room  -      needs 64G
    "
  `)
})

test('node drain --watch tells each change once', async () => {
  const seen = [
    { ...drain },
    { ...drain },
    { ...drain, steps: [], left: 1 },
    { ...drain, steps: [], left: 0, state: 'drained' },
  ]
  api.handlers.drainNode = () => drain
  api.handlers.showNode = () => ({ ...nodeView(), drain: seen.shift() })
  expect(await printed('node', 'drain', '--watch', '--deadline', '1h', 'node1'))
    .toMatchInlineSnapshot(`
    "17.1 bot: moving to node2
    20.1 fat: no-room: needs 64G
    2 tasks left on node1
    1 task left on node1
    0 tasks left on node1
    node1 is drained
    "
  `)
  expect(api.heard[0]?.body).toEqual({ deadlineMs: 3_600_000 })
})

test('schedules', async () => {
  api.handlers.listSchedules = () => ({
    schedules: [
      schedule(),
      schedule({ name: 'hourly', paused: { by: 'ada', why: '', at: '2026-11-23T07:00:00.000Z' } }),
    ],
  })
  expect(await printed('schedules')).toMatchInlineSnapshot(`
    "NAME     EXPRESSION  ZONE  NEXT                 LAST  RUNNING
    nightly  0 3 * * *   UTC   2026-11-24 03:00:00  -     -
    hourly   0 3 * * *   UTC   paused               -     -
    "
  `)
})

test('schedule show', async () => {
  api.handlers.showSchedule = () => schedule()
  expect(await printed('schedule', 'show', 'nightly')).toMatchInlineSnapshot(`
    "schedule:   nightly
    owner:      ada
    expression: 0 3 * * * (UTC)
    overlap:    forbid
    catch-up:   last
    command:    ./report
    directory:  /home/ada
    next:       2026-11-24 03:00:00

    DUE                                                   OUTCOME       WHY
    2026-11-23 03:00:00                                   ran (job 12)
    2026-11-20 03:00:00 to 2026-11-22 03:00:00 (3 times)  missed        the scheduler was not running
    "
  `)
})

test('schedule show says what its owner said of the job', async () => {
  const job = {
    ...schedule().job,
    env: { LANG: 'C' },
    secretEnv: { TOKEN: '' },
    slots: 4,
    memBytes: 2 ** 30,
    timeMs: 3_600_000,
    where: { disk: 'ssd' },
    array: { from: 1, to: 9, step: 2 },
    maxRunning: 3,
    retry: 1,
    warn: { signal: 'SIGUSR2', beforeMs: 30_000 },
    stop: { signal: 'SIGINT', graceMs: 5_000 },
    onPartition: 'keep' as const,
  }
  api.handlers.showSchedule = () => schedule({ job, ledger: [] })
  expect(await printed('schedule', 'show', 'nightly')).toMatchInlineSnapshot(`
    "schedule:   nightly
    owner:      ada
    expression: 0 3 * * * (UTC)
    overlap:    forbid
    catch-up:   last
    command:    ./report
    directory:  /home/ada
    variables:  LANG TOKEN
    slots:      4
    memory:     1G
    time limit: 1h
    warned:     SIGUSR2, 30s before the time limit
    where:      disk=ssd
    array:      1-9:2
    at once:    3 tasks
    retry:      1 time
    stop:       SIGINT, SIGKILL after 5s
    cut off:    keeps running there
    next:       2026-11-24 03:00:00
    "
  `)
})

test('schedule add', async () => {
  api.handlers.addSchedule = () => schedule()
  const argv = [
    'schedule',
    'add',
    'nightly',
    '0 3 * * *',
    '--tz',
    'UTC',
    '--overlap',
    'queue',
    '--catch-up',
    'none',
    '--jitter',
    '5m',
    '--mem',
    '1G',
    '--',
    './report',
    '-v',
  ]
  expect(await printed(...argv)).toBe('schedule nightly added, first due 2026-11-24 03:00:00\n')
  api.handlers.addSchedule = () => ({ ...schedule(), warnings: ['no node can run it'] })
  expect(await eg(argv, { url: api.url })).toMatchObject({
    status: 0,
    err: 'eg: no node can run it\n',
  })
  expect(api.heard[0]?.body).toMatchObject({
    name: 'nightly',
    expression: '0 3 * * *',
    tz: 'UTC',
    overlap: 'queue',
    catchUp: 'none',
    jitterMs: 300_000,
    job: { name: 'nightly', command: ['./report', '-v'], memBytes: 2 ** 30, cwd: '/home/ada' },
  })
})

test('schedule edit keeps what is not said', async () => {
  api.handlers.showSchedule = () => schedule()
  api.handlers.editSchedule = () => schedule()
  await printed('schedule', 'edit', 'nightly', '--expression', '@daily', '--mem', '2G')
  expect(api.heard.at(-1)?.body).toEqual({
    expression: '@daily',
    job: { command: ['./report'], cwd: '/home/ada', name: 'nightly', memBytes: 2 ** 31 },
  })
  const array = { from: 1, to: 9, step: 1 }
  api.handlers.showSchedule = () => schedule({ job: { ...schedule().job, array } })
  await printed('schedule', 'edit', 'nightly', '--max-running', '2')
  expect(api.heard.at(-1)?.body).toMatchObject({ job: { array, maxRunning: 2 } })
})

test('schedule run tells what the overlap gate said', async () => {
  const firing = { ...schedule().ledger[0], manual: true }
  api.handlers.runSchedule = () => firing
  expect(await eg(['schedule', 'run', 'nightly'], { url: api.url })).toMatchObject({
    status: 0,
    out: 'job 12 submitted\n',
  })
  api.handlers.runSchedule = () => ({
    ...firing,
    jobId: null,
    outcome: 'skipped',
    why: 'job 12 still runs',
  })
  expect(await eg(['schedule', 'run', 'nightly'], { url: api.url })).toMatchObject({
    status: 1,
    err: 'eg: schedule nightly: skipped: job 12 still runs\n',
  })
})

test('colour only where asked for, and nothing that steers the terminal', () => {
  const columns = [{ title: 'A', cell: (text: string) => ({ text, tone: 'bad' as const }) }]
  expect(table(columns, ['x\u001B[2Jy\nz'], { colour: false })).toBe('A\nx\uFFFD[2Jy z\n')
  expect(table(columns, ['x'], { colour: true })).toBe(
    '\u001B[1mA\u001B[0m\n\u001B[31mx\u001B[0m\n',
  )
})

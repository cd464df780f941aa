import { expect, it, describe } from 'vitest'

import { exits, forever } from '../support/fake-driver.ts'
import { oneOff, order, TestGrid } from './grid.ts'

const cancelled = { kind: 'cancelled', by: 'alice', why: 'eg stop' } as const
const stopWant = { kind: 'stop', cause: cancelled, graceMs: null } as const

describe('one-off tasks', () => {
  it('run once, are reported with their cause, and leave nothing', async () => {
    const grid = new TestGrid(() => exits(1_000, 3))
    await grid.start()
    grid.link.give(order(1, {}, oneOff))
    await grid.advance(500)
    expect(grid.link.told('1.1')?.phase).toMatchObject({ kind: 'running', run: 1 })
    await grid.advance(1_000)
    expect(grid.link.told('1.1')?.phase).toEqual({
      kind: 'ended',
      cause: { kind: 'exit', code: 3 },
    })
    expect(grid.link.told('1.1')?.runs[0]).toMatchObject({ number: 1, cause: { code: 3 } })
    expect(grid.machine.started).toEqual(['1.1.1.1'])
    expect(grid.machine.runs.size).toBe(0)
    expect(grid.spool.records.size).toBe(0)
  })

  it('tell of a run when it has begun, and of its end together with its cause', async () => {
    const grid = new TestGrid(() => ({ ...exits(1_000, 3), leftoverMs: 2_000 }))
    await grid.start()
    grid.link.give(order(1, {}, oneOff))
    await grid.advance(10_000)
    const told = grid.link.reports.flatMap(({ placements }) =>
      placements.flatMap(({ runs }) => runs),
    )
    expect(told.length).toBeGreaterThan(1)
    for (const run of told) {
      expect(run.startedAt).not.toBeNull()
      expect(run.endedAt === null).toBe(run.cause === null)
    }
    expect(told.at(-1)).toMatchObject({ cause: { code: 3 }, pid: expect.any(Number) as number })
  })

  it('wait for a name service that is away, and can be stopped meanwhile', async () => {
    const grid = new TestGrid(() => exits(1_000, 0))
    await grid.start()
    grid.isNameServiceAway = true
    grid.link.give(order(1, {}, oneOff), order(2, {}, oneOff))
    await grid.advance(30_000)
    expect(grid.link.told('1.1')?.phase).toEqual({ kind: 'accepted' })
    grid.link.give(order(2, { want: stopWant }, oneOff))
    await grid.advance(1_000)
    expect(grid.link.told('2.1')?.phase).toEqual({ kind: 'ended', cause: cancelled })
    grid.isNameServiceAway = false
    await grid.advance(10_000)
    expect(grid.machine.started).toEqual(['1.1.1.1'])
    expect(grid.link.told('1.1')?.phase).toEqual({
      kind: 'ended',
      cause: { kind: 'exit', code: 0 },
    })
  })

  it('are not started again by an order that was under way when they were forgotten', async () => {
    const grid = new TestGrid(() => exits(100))
    await grid.start()
    const late = order(1, {}, oneOff)
    grid.link.give(late)
    await grid.advance(1_000)
    grid.link.give(late)
    await grid.advance(20_000)
    expect(grid.machine.started).toEqual(['1.1.1.1'])
  })
})

it('ends that a restored scheduler does not take yet keep no news waiting, and are told at the usual pace', async () => {
  const grid = new TestGrid(({ key }) => exits(key.startsWith('200.') ? 20_000 : 100, 3))
  grid.tail = 'x'.repeat(87_000)
  grid.link.judge = () => 'keep'
  grid.link.takes = ({ phase }) => phase.kind !== 'ended'
  await grid.start()
  // More than one report has room for.
  const jobs = Array.from({ length: 120 }, (_, at) => at + 1)
  grid.link.give(...jobs.map((job) => order(job, {}, oneOff)), order(200, {}, oneOff))
  await grid.advance(1_000)
  for (let second = 0; second < 30; second += 1) {
    const before = grid.link.reports.length
    await grid.advance(1_000)
    expect(grid.link.reports.length - before).toBeLessThan(6)
  }
  expect(grid.link.told('200.1')?.phase.kind).toBe('ended')
  // Each is told on: the scheduler may take any of them at any time.
  grid.link.reports.length = 0
  await grid.advance(30_000)
  for (const job of jobs) expect(grid.link.told(`${job}.1`)?.phase.kind).toBe('ended')
})

describe('usage', () => {
  it('of what runs is told now and then, when it has changed much, and anew to who asks for all', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(30_000)
    const told = () => grid.link.reports.flatMap(({ usages }) => usages ?? [])
    expect(told()).toMatchObject([{ task: '1.1', epoch: 1, run: 1, usage: { memBytes: 1 } }])
    grid.machine.usage = { ...grid.machine.usage, memBytes: 50 * 2 ** 20 }
    await grid.advance(15_000)
    expect(told().slice(1)).toMatchObject([{ usage: { memBytes: 50 * 2 ** 20 } }])
  })
})

describe('continuous jobs', () => {
  it('come back with growing waits, and a crash loop is named', async () => {
    const grid = new TestGrid(() => exits(10, 1))
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(60_000)
    expect(grid.link.told('1.1')?.phase).toMatchObject({ kind: 'backoff', crashLoop: true })
    expect(grid.machine.started.length).toBeGreaterThan(4)
    expect(grid.machine.started.length).toBeLessThan(9)
    expect(new Set(grid.machine.started).size).toBe(grid.machine.started.length)
  })

  it('restart while the scheduler is away, and each run is told when it is back', async () => {
    const grid = new TestGrid(() => exits(30_000, 1))
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(1_000)
    grid.link.mode = 'refuses'
    grid.link.cut()
    await grid.advance(400_000)
    grid.link.mode = 'answers'
    await grid.advance(10_000)
    const told = new Set(
      grid.link.reports.flatMap((r) =>
        r.placements.flatMap((p) => p.runs.map((run) => run.number)),
      ),
    )
    expect(told.size).toBe(grid.machine.started.length)
    expect(told.size).toBeGreaterThan(4)
  })

  it('restart gracefully when asked, not counted as a failure', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(5_000)
    grid.link.give(order(1, { restart: { count: 1, by: 'alice', why: 'eg restart' } }))
    await grid.advance(5_000)
    expect(grid.machine.started).toEqual(['1.1.1.1', '1.1.1.2'])
    expect(grid.machine.living()).toHaveLength(1)
    const ended = grid.link.reports
      .flatMap((report) => report.placements)
      .flatMap((placement) => placement.runs)
      .find((run) => run.endedAt !== null)
    expect(ended?.cause).toMatchObject({ kind: 'restarted', by: 'alice' })
  })

  it('are told to have ended at once, also when the next run has to wait', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(5_000)
    grid.isNameServiceAway = true
    const before = grid.link.reports.length
    grid.link.give(order(1, { restart: { count: 1, by: 'alice', why: 'eg restart' } }))
    await grid.advance(200)
    const told = grid.link.reports.slice(before).flatMap(({ placements }) => placements)
    expect(told.map(({ phase }) => phase.kind)).toEqual(['stopping', 'accepted'])
  })

  it('end only when nothing of them is left, however stubborn', async () => {
    const grid = new TestGrid(() => ({ ...forever, stopsAfterMs: null, stuckMs: 60_000 }))
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(5_000)
    grid.link.give(order(1, { want: stopWant }))
    await grid.advance(20_000)
    const phase = grid.link.told('1.1')?.phase
    expect(phase).toMatchObject({ kind: 'stopping', stuck: [{ state: 'D' }] })
    await grid.advance(60_000)
    expect(grid.link.told('1.1')?.phase).toEqual({ kind: 'ended', cause: cancelled })
  })

  it('are restarted when their check fails', async () => {
    let healthy = true
    const grid = new TestGrid(() => ({ ...forever, check: () => ({ ok: healthy, detail: 'no' }) }))
    await grid.start()
    const check = {
      probe: { kind: 'command', argv: ['/bin/check'] },
      intervalMs: 10_000,
      timeoutMs: 1_000,
      threshold: 3,
    }
    grid.link.give(order(1, {}, { check }))
    await grid.advance(60_000)
    expect(grid.machine.started).toHaveLength(1)
    healthy = false
    await grid.advance(15_000)
    expect(grid.link.told('1.1')?.phase).toMatchObject({ kind: 'running', healthy: false })
    await grid.advance(20_000)
    healthy = true
    await grid.advance(10_000)
    expect(grid.machine.started).toHaveLength(2)
    expect(grid.link.told('1.1')?.phase).toMatchObject({ kind: 'running', run: 2, healthy: true })
  })

  it('are restarted when they fall silent', async () => {
    const grid = new TestGrid((plan) =>
      plan.key.endsWith('.1') ? forever : { ...forever, writesEveryMs: 1_000 },
    )
    await grid.start()
    grid.link.give(order(1, {}, { silenceMs: 30_000 }))
    await grid.advance(120_000)
    expect(grid.machine.started).toHaveLength(2)
  })

  it('are suspended and resumed', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(1_000)
    grid.link.give(order(1, { want: { kind: 'suspend' } }))
    await grid.advance(1_000)
    expect(grid.machine.living()[0]?.suspended).toBe(true)
    grid.crash()
    await grid.start()
    expect(grid.link.told('1.1')?.phase.kind).toBe('suspended')
    grid.link.give(order(1))
    await grid.advance(1_000)
    expect(grid.machine.living()[0]?.suspended).toBe(false)
    expect(grid.machine.started).toHaveLength(1)
  })
})

describe('the agent killed with -9', () => {
  it('adopts what runs and touches nothing', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1), order(2, {}, oneOff))
    await grid.advance(2_000)
    grid.crash()
    await grid.advance(60_000)
    await grid.start()
    await grid.advance(10_000)
    expect(grid.machine.started).toHaveLength(2)
    expect(grid.machine.living()).toHaveLength(2)
    expect(grid.link.reports.at(-1)?.oddities).toEqual([])
  })

  it('tells afterwards what ended meanwhile', async () => {
    const grid = new TestGrid(() => exits(5_000, 7))
    await grid.start()
    grid.link.give(order(1, {}, oneOff))
    await grid.advance(1_000)
    grid.crash()
    await grid.advance(60_000)
    await grid.start()
    await grid.advance(1_000)
    expect(grid.link.told('1.1')?.phase).toEqual({
      kind: 'ended',
      cause: { kind: 'exit', code: 7 },
    })
    expect(grid.machine.runs.size).toBe(0)
  })

  it('shows a run whose record is gone, and ends it only when told', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(1_000)
    grid.crash()
    grid.spool.records.clear()
    grid.link.wanted = []
    await grid.start()
    await grid.advance(20_000)
    expect(grid.link.reports.at(-1)?.oddities).toMatchObject([{ key: '1.1.1.1', populated: true }])
    expect(grid.machine.living()).toHaveLength(1)
    grid.link.oddJudge = () => ({ task: '1.1', epoch: 1, version: 0, then: 'stop' })
    await grid.advance(30_000)
    expect(grid.machine.living()).toHaveLength(0)
    grid.link.oddJudge = () => ({ task: '1.1', epoch: 1, version: 0, then: 'forget' })
    await grid.advance(30_000)
    expect(grid.link.reports.at(-1)?.oddities).toEqual([])
  })

  it('takes a run without a record back when the order for it comes', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(1_000)
    grid.crash()
    grid.spool.records.clear()
    await grid.start()
    await grid.advance(20_000)
    expect(grid.machine.started).toEqual(['1.1.1.1'])
    expect(grid.link.told('1.1')?.phase).toMatchObject({ kind: 'running', run: 1 })
  })

  it('is not idle while a run without a record lives', async () => {
    const grid = new TestGrid()
    await grid.start()
    expect(grid.agent?.isIdle()).toBe(true)
    grid.link.give(order(1))
    await grid.advance(1_000)
    grid.crash()
    grid.spool.records.clear()
    grid.link.mode = 'silent'
    await grid.start()
    expect(grid.agent?.running()).toBe(0)
    expect(grid.agent?.isIdle()).toBe(false)
    grid.machine.reboot('boot-2')
    await grid.advance(60_000)
    expect(grid.agent?.isIdle()).toBe(true)
  })
})

it('tells that it is taken also where the disk takes nothing', async () => {
  const grid = new TestGrid()
  grid.spool.isFull = true
  const heard: string[] = []
  await grid.start({ onReport: ({ kind }, taken) => heard.push(`${kind} ${taken}`) })
  expect(heard[0]).toBe('answered true')
})

describe('epochs', () => {
  it('a newer one starts only when the older is proven gone', async () => {
    const grid = new TestGrid(() => ({ ...forever, stopsAfterMs: 5_000 }))
    let alive = 0
    grid.machine.onExec = () => expect((alive += 1)).toBe(1)
    grid.machine.onEmpty = () => (alive -= 1)
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(1_000)
    grid.link.give(order(1, { epoch: 2, firstRun: 2 }))
    await grid.advance(2_000)
    expect(grid.machine.started).toEqual(['1.1.1.1'])
    await grid.advance(10_000)
    expect(grid.machine.started).toEqual(['1.1.1.1', '1.1.2.2'])
    grid.link.give(order(1))
    await grid.advance(10_000)
    expect(grid.machine.living().map((run) => run.plan.key)).toEqual(['1.1.2.2'])
  })
})

describe('the lease', () => {
  it('ends single-copy work of a cut-off node in time, and leaves the other kind', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1), order(2, {}, oneOff))
    await grid.advance(5_000)
    grid.link.mode = 'silent'
    grid.link.cut()
    await grid.advance(230_000)
    expect(grid.machine.living()).toHaveLength(2)
    await grid.advance(70_000)
    expect(grid.machine.living().map((run) => run.plan.key)).toEqual(['2.1.1.1'])
    grid.link.mode = 'answers'
    grid.link.wanted = []
    await grid.advance(20_000)
    expect(grid.link.told('1.1')?.phase).toMatchObject({ cause: { kind: 'lease-expired' } })
    expect(grid.machine.living()).toHaveLength(1)
  })

  it('a run that slept past it does not go on when the machine wakes', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(5_000)
    grid.clock.sleep(1_000_000)
    await grid.advance(20_000)
    expect(grid.machine.living()).toHaveLength(0)
    expect(grid.link.told('1.1')?.phase).toMatchObject({ cause: { kind: 'lease-expired' } })
  })

  it('ends what was ever single-copy, whichever order said so', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1), order(2, {}, { onPartition: 'keep' }), order(3))
    await grid.advance(1_000)
    grid.link.give(order(1, {}, { onPartition: 'keep' }), order(2))
    await grid.advance(1_000)
    grid.crash()
    await grid.start()
    grid.link.give(order(3, {}, { onPartition: 'keep' }))
    await grid.advance(1_000)
    grid.link.mode = 'silent'
    grid.link.cut()
    await grid.advance(260_000)
    expect(grid.machine.living()).toEqual([])
  })

  it('binds the run itself once an edit says so: fenced with no agent there, and the next run too', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1, {}, { onPartition: 'keep' }), order(2, {}, { onPartition: 'keep' }))
    await grid.advance(1_000)
    const single = () => grid.machine.living().map(({ plan }) => [plan.key, plan.singleCopy])
    expect(single()).toEqual([
      ['1.1.1.1', false],
      ['2.1.1.1', false],
    ])
    grid.link.give(order(1), order(2, {}, { onPartition: 'keep' }))
    await grid.advance(1_000)
    grid.link.give(order(1, { restart: { count: 1, by: 'a', why: '' } }, { onPartition: 'keep' }))
    await grid.advance(10_000)
    expect(single()).toEqual([
      ['2.1.1.1', false],
      ['1.1.1.2', true],
    ])
    grid.crash()
    await grid.advance(300_000)
    expect(single()).toEqual([['2.1.1.1', false]])
  })

  it('is renewed by a refused connection, unless the site says otherwise', async () => {
    for (const [refusalRenews, left] of [
      [true, 1],
      [false, 0],
    ] as const) {
      const grid = new TestGrid()
      await grid.start({ refusalRenews })
      grid.link.give(order(1))
      await grid.advance(5_000)
      grid.link.mode = 'refuses'
      grid.link.cut()
      await grid.advance(900_000)
      expect(grid.machine.living()).toHaveLength(left)
    }
  })

  it('is none after a reboot: nothing starts before the first answer', async () => {
    const grid = new TestGrid()
    grid.link.terms = null
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(5_000)
    grid.crash()
    grid.machine.reboot('boot-2')
    grid.clock.reboot()
    grid.link.mode = 'silent'
    await grid.start()
    await grid.advance(600_000)
    expect(grid.machine.started).toHaveLength(1)
    grid.link.mode = 'answers'
    grid.link.wanted = []
    await grid.advance(20_000)
    expect(grid.link.told('1.1')?.phase).toMatchObject({ cause: { kind: 'node-lost' } })
    expect(grid.machine.started).toHaveLength(1)
  })
})

describe('the exchange', () => {
  it('says all after a failure and when asked, else only what changed', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(20_000)
    expect(grid.link.reports[0]?.full).toBe(true)
    expect(grid.link.reports.at(-1)).toMatchObject({ full: false, placements: [] })
    grid.link.wantFull = true
    await grid.advance(5_100)
    const asked = grid.link.reports.slice(1).find((report) => report.full)
    expect(asked?.placements).toMatchObject([{ task: '1.1' }])
    grid.link.mode = 'silent'
    await grid.advance(30_000)
    grid.link.mode = 'answers'
    await grid.advance(9_000)
    const back = grid.link.reports.findLast((report) => report.full)
    expect(back?.placements).toHaveLength(1)
  })

  it('does not obey another grid, nor an older database', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(1_000)
    grid.link.grid = 'grid-2'
    grid.link.judge = () => 'stop'
    grid.link.give(order(2))
    await grid.advance(60_000)
    expect(grid.machine.started).toEqual(['1.1.1.1'])
    expect(grid.machine.living()).toHaveLength(1)
  })

  it('a list that lacks a placement stops nothing; the answer `stop` does', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(1_000)
    grid.link.wanted = []
    grid.link.cut()
    await grid.advance(60_000)
    expect(grid.machine.living()).toHaveLength(1)
    grid.link.judge = (placement) => (placement.phase.kind === 'ended' ? 'forget' : 'stop')
    grid.link.wantFull = true
    await grid.advance(30_000)
    expect(grid.machine.living()).toHaveLength(0)
    expect(grid.spool.records.size).toBe(0)
  })

  it('asks for the full list after a gap', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.counter += 5
    grid.link.give(order(1))
    await grid.advance(5_000)
    expect(grid.machine.started).toEqual(['1.1.1.1'])
  })

  it('a full disk keeps neither reports nor stops of other placements waiting', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1), order(2))
    await grid.advance(1_000)
    const save = grid.spool.save.bind(grid.spool)
    let full = true
    grid.spool.save = async (record) => {
      if (full) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
      await save(record)
    }
    grid.link.give(order(1, { want: stopWant }))
    await grid.advance(1_000)
    const before = grid.link.reports.length
    grid.link.wantFull = true
    grid.link.give(order(2, { want: stopWant }))
    await grid.advance(400_000)
    expect(grid.link.reports.length).toBeGreaterThan(before + 20)
    expect(grid.machine.living()).toHaveLength(0)
    full = false
    await grid.advance(30_000)
    expect(grid.link.forgotten).toEqual(new Set(['1.1.1', '2.1.1']))
    await grid.agent?.stop()
  })

  it('an agent on a full disk can be stopped', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.spool.isFull = true
    grid.link.give(order(1))
    await grid.advance(1_000)
    expect(await grid.agent?.stop()).toEqual({ running: 0 })
  })

  it("an owner's file system that hangs holds up neither its end nor orders and reports of others", async () => {
    const grid = new TestGrid((plan) => (plan.key.startsWith('1.') ? exits(500) : forever))
    await grid.start()
    grid.isOutputHanging = true
    grid.machine.hangs = (key) => key.startsWith('1.')
    grid.link.give(order(1, {}, oneOff), order(2))
    await grid.advance(1_000)
    grid.link.give(order(2), order(3))
    await grid.advance(1_000)
    expect(grid.link.told('3.1')?.phase.kind).toBe('running')
    await grid.advance(10_000)
    expect(grid.link.told('1.1')?.phase.kind).toBe('ended')
    grid.link.give(order(2), order(3), order(4))
    await grid.advance(1_000)
    expect(grid.link.told('4.1')?.phase.kind).toBe('running')
  })

  it('a full disk starts nothing, and does not keep what shall end', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(1_000)
    grid.spool.isFull = true
    grid.link.give(order(2))
    grid.link.give(order(1, { want: stopWant }))
    await grid.advance(30_000)
    expect(grid.machine.started).toEqual(['1.1.1.1'])
    grid.spool.isFull = false
    await grid.advance(30_000)
    expect(grid.machine.started).toEqual(['1.1.1.1', '2.1.1.1'])
    expect(grid.machine.living().map((run) => run.plan.key)).toEqual(['2.1.1.1'])
  })

  it('an order that a full disk does not take is told to who asks for all: it may still begin', async () => {
    const grid = new TestGrid()
    await grid.start()
    grid.link.give(order(1))
    await grid.advance(1_000)
    grid.spool.isFull = true
    grid.link.give(order(2))
    grid.link.wantFull = true
    await grid.advance(6_000)
    const told = grid.link.reports.findLast((report) => report.full)?.placements
    expect(told).toMatchObject([{ task: '1.1' }, { task: '2.1', unsaved: true }])
    expect(told?.[0]).not.toHaveProperty('unsaved')
    // A scheduler that knows nothing of it, as a restored one, says so; then it does not begin.
    grid.link.judge = ({ task }) => (task === '2.1' ? 'stop' : 'keep')
    await grid.advance(6_000)
    grid.spool.isFull = false
    await grid.advance(30_000)
    expect(grid.machine.started).toEqual(['1.1.1.1'])
  })
})

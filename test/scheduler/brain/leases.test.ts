import { describe, expect, test } from 'vitest'

import { BrainGrid, operator } from '../../support/brain.ts'
import type { FakeNode } from '../../support/fake-node.ts'

const bot = { kind: 'continuous', name: 'bot' } as const

async function two(request: Parameters<BrainGrid['submit']>[0] = bot) {
  const grid = await BrainGrid.open()
  const nodes = [await grid.node('n1'), await grid.node('n2')]
  await grid.turn(...nodes)
  const job = await grid.submit(request)
  await grid.tick()
  const task = `${job}.1`
  const on = nodes.find((node) => node.has(task)) as FakeNode
  const other = nodes.find((node) => node !== on) as FakeNode
  on.start(task)
  await grid.turn(...nodes)
  return { grid, job, task, on, other }
}

/** A clone that nothing tells apart, `ahead` by count, has passed for the silent node; then a scheduler starts anew. */
async function afterClone(request: Parameters<typeof two>[0], { ahead }: { ahead: number }) {
  const all = await two(request)
  const { grid, job, on, other } = all
  await grid.pass(21_000, other)
  const built = on.build(true)
  const placements = built.placements.map((one) => ({ ...one, version: one.version + ahead }))
  const facts = { ...on.facts, bootId: 'boot-of-clone' }
  await on.deliver({ ...built, session: 'clone', placements, facts, uptimeMs: 2_000 })
  expect(await grid.show(job)).toMatchObject({ state: 'running', node: on.name })
  await grid.reopen()
  on.meet(grid.brain)
  return all
}

const stateOf = async (grid: BrainGrid, name: string) =>
  (await grid.ok('showNode', operator, { params: { node: name } })).state

describe('a node that falls silent', () => {
  test('is shown, and after its lease its bots start elsewhere and it is told to stop them', async () => {
    const { grid, job, task, on, other } = await two()
    await grid.pass(24_000, other)
    expect(await stateOf(grid, on.name)).toBe('silent')
    expect(await grid.show(job)).toMatchObject({ state: 'unreachable', node: on.name })
    await grid.pass(270_000, other)
    expect(await grid.state(job)).toBe('unreachable')
    await grid.pass(16_000, other)
    expect(await stateOf(grid, on.name)).toBe('lost')
    expect(other.of(task).order).toMatchObject({ epoch: 2, firstRun: 2 })
    // Of a machine that never comes back that is all: it is not shown as if it lived.
    const cause = { kind: 'outcome-unknown', detail: expect.stringContaining(on.name) }
    expect((await grid.show(job)).tasks).toMatchObject([
      { runs: [{ number: 1, endedAt: null, cause }] },
    ])
    const { answers } = await on.report()
    expect(answers).toEqual([{ task, epoch: 1, version: 2, then: 'stop' }])
    on.end(task, { kind: 'lease-expired', node: on.name })
    const after = await on.report()
    expect(after.answers).toMatchObject([{ epoch: 1, then: 'forget' }])
    expect(await grid.show(job)).toMatchObject({ state: 'placed', node: other.name })
    expect((await grid.show(job)).tasks).toMatchObject([
      { runs: [{ number: 1, cause: { kind: 'lease-expired' } }] },
    ])
  })

  test('that speaks again in time goes on as if nothing had been', async () => {
    const { grid, job, on, other } = await two()
    await grid.pass(100_000, other)
    expect(await grid.state(job)).toBe('unreachable')
    await on.report()
    expect(await grid.show(job)).toMatchObject({ state: 'running', node: on.name })
  })

  test('keeps what may be kept, also when it comes back long after', async () => {
    const { grid, job, on, other } = await two({ name: 'once' })
    await grid.pass(400_000, other)
    expect(await grid.show(job)).toMatchObject({ state: 'unreachable', node: on.name })
    await on.report()
    expect(await grid.show(job)).toMatchObject({ state: 'running', node: on.name })
    expect(other.held.size).toBe(0)
    on.exit(`${job}.1`)
    await on.report()
    expect(await grid.show(job)).toMatchObject({ outcome: 'succeeded' })
  })

  test('stopped meanwhile, a bot is over with the lease and its name is free', async () => {
    const { grid, job, other } = await two()
    await grid.pass(60_000, other)
    await grid.stop([job])
    expect(await grid.state(job)).toBe('unreachable')
    await grid.pass(260_000, other)
    expect(await grid.show(job)).toMatchObject({ outcome: 'cancelled' })
    await grid.submit(bot)
  })

  test('stopped meanwhile, a job to be kept is over when its node speaks', async () => {
    const { grid, job, on, other } = await two({ name: 'once' })
    await grid.pass(400_000, other)
    await grid.stop([job])
    await grid.pass(60_000, other)
    expect(await grid.state(job)).toBe('unreachable')
    on.attach()
    await on.report()
    await grid.quiet()
    expect(on.of(`${job}.1`).order.want.kind).toBe('stop')
    on.stopWanted()
    await on.report()
    expect(await grid.show(job)).toMatchObject({ outcome: 'cancelled' })
  })

  test('may be declared lost by an operator', async () => {
    const { grid, job, on, other } = await two({ name: 'once', retry: 1 })
    const lose = { params: { node: on.name }, body: { confirmed: true as const } }
    expect(await grid.refused('loseNode', operator, lose)).toBe('wrong-state')
    await grid.pass(40_000, other)
    await grid.ok('loseNode', operator, lose)
    await grid.tick()
    expect(await grid.show(job)).toMatchObject({ state: 'placed', node: other.name })
    await grid.ok('removeNode', operator, { params: { node: on.name } })
    expect(grid.brain.state.nodes.size).toBe(1)
  })

  test('the timeline of what it lost says why it waits again', async () => {
    const requeued = async (grid: BrainGrid, job: number) =>
      (await grid.show(job)).timeline.find(({ what }) => what === 'requeued')?.detail
    const leased = await two()
    await leased.grid.pass(310_000, leased.other)
    expect(await requeued(leased.grid, leased.job)).toBe(
      `waits for a place: node ${leased.on.name} did not report until its lease was over`,
    )
    const confirmed = await two()
    await confirmed.grid.pass(40_000, confirmed.other)
    const lose = { params: { node: confirmed.on.name }, body: { confirmed: true as const } }
    await confirmed.grid.ok('loseNode', operator, lose)
    expect(await requeued(confirmed.grid, confirmed.job)).toMatch(
      new RegExp(`^waits for a place: .+ confirmed that ${confirmed.on.name} is lost$`),
    )
    const booted = await two()
    await booted.grid.pass(20_000, booted.other)
    booted.on.reboot()
    await booted.grid.pass(2_000, booted.other)
    await booted.on.report()
    expect(await requeued(booted.grid, booted.job)).toBe(
      `waits for a place: ${booted.on.name} was started again`,
    )
  })

  test('its many tasks come back at a bounded rate', async () => {
    const grid = await BrainGrid.open({ settings: { replacedPerSecond: 10 } })
    const roomy = { slots: 100, memBytes: 2 ** 40 }
    const big = await grid.node('n1', roomy)
    for (let nth = 0; nth < 50; nth += 1) await grid.submit({ ...bot, name: `b${nth}` })
    await grid.turn(big)
    const other = await grid.node('n2', roomy)
    await grid.turn(big, other)
    await grid.turn(big, other)
    grid.brain.start()
    await grid.pass(304_000, other)
    const after = other.held.size
    expect(after).toBeGreaterThan(0)
    expect(after).toBeLessThan(45)
    await grid.pass(8_000, other)
    expect(other.held.size).toBe(50)
    await grid.brain.stop()
  })
})

describe('leases', () => {
  test('alone, a node has one without end, and takes an end only when it has acknowledged it', async () => {
    const grid = await BrainGrid.open()
    const n1 = await grid.node('n1')
    expect(n1.terms).toBe(null)
    const job = await grid.submit(bot)
    await grid.tick()
    const n2 = await grid.node('n2')
    expect(n2.terms).toMatchObject({ endMs: 300_000 })
    // It is offered an end but never says that it holds it.
    await n1.deliver(n1.build(false))
    expect(grid.brain.state.nodes.get('n1')?.outstanding).toEqual({ kind: 'endless' })
    await grid.pass(700_000, n2)
    expect(await grid.show(job)).toMatchObject({ state: 'unreachable', node: 'n1' })
    await n1.report()
    await n1.report()
    expect(grid.brain.state.nodes.get('n1')?.outstanding).toEqual({ kind: 'until', endMs: 300_000 })
    await grid.pass(310_000, n2)
    expect(await grid.show(job)).toMatchObject({ node: 'n2' })
  })

  test('longer terms that were granted count until the node says that it holds shorter ones', async () => {
    const { grid, on, other } = await two()
    await grid.reopen({
      lease: { ...grid.settings.lease, terms: { termMs: 1000, killMs: 2000, endMs: 30_000 } },
    })
    on.attach()
    await on.deliver(on.build(true))
    expect(grid.brain.state.nodes.get(on.name)?.outstanding).toMatchObject({ endMs: 300_000 })
    await grid.reopen()
    expect(grid.brain.state.nodes.get(on.name)?.outstanding).toMatchObject({ endMs: 300_000 })
    await grid.pass(100_000, other)
    expect(await stateOf(grid, on.name)).toBe('silent')
    await on.report()
    await on.report()
    expect(grid.brain.state.nodes.get(on.name)?.outstanding).toMatchObject({ endMs: 30_000 })
  })

  test('a killed agent may not remember the newest lease that it wrote', async () => {
    const { grid, on } = await two()
    const before = on.terms
    const node = grid.brain.state.nodes.get(on.name)
    if (node) node.outstanding = { kind: 'endless' }
    on.session = 's2'
    on.sequence = 0
    on.terms = before
    await on.report(true)
    expect(node?.outstanding).toEqual({ kind: 'endless' })
    await on.report()
    expect(node?.outstanding).toEqual({ kind: 'until', endMs: 300_000 })
  })

  test('silence counts from when this scheduler began to judge, and anew after a stall', async () => {
    const { grid, job, on, other } = await two()
    await grid.pass(200_000, other)
    await grid.reopen()
    await grid.pass(280_000, other)
    expect(await grid.show(job)).toMatchObject({ state: 'unreachable', node: on.name })
    grid.clock.sleep(60_000)
    await grid.pass(100_000, other)
    expect(await stateOf(grid, on.name)).toBe('silent')
    await grid.pass(300_000, other)
    expect(await stateOf(grid, on.name)).toBe('lost')
  })

  test('a scheduler that has moved does not judge who has not yet spoken to it there', async () => {
    const { grid, job, on, other } = await two()
    await grid.reopen({ place: 'elsewhere' })
    await grid.pass(700_000, other)
    expect(await grid.show(job)).toMatchObject({ state: 'unreachable', node: on.name })
    await on.report()
    await on.report()
    await grid.pass(330_000, other)
    expect(await stateOf(grid, on.name)).toBe('lost')
  })

  test('nobody is judged after judging has ended, and a stop keeps what runs', async () => {
    const { grid, on } = await two()
    await grid.brain.stop()
    await grid.clock.advance(900_000)
    grid.brain.tick()
    expect(grid.brain.state.nodes.get(on.name)?.state).toBe('up')
  })
})

describe('reports', () => {
  test('a new boot of the same machine within its silence ends what ran before', async () => {
    const { grid, job, on, other } = await two()
    await grid.pass(20_000, other)
    on.reboot()
    await grid.pass(2_000, other)
    await on.report()
    await grid.tick()
    expect((await grid.show(job)).tasks).toMatchObject([{ epoch: 2, state: 'placed' }])
    expect((await grid.show(job)).timeline.map(({ what }) => what)).toContain('requeued')
    // Nothing of a lease survives a boot: only what was granted since.
    expect(grid.brain.state.nodes.get(on.name)?.outstanding).toMatchObject({ endMs: 300_000 })
  })

  test('a report that was overtaken changes nothing', async () => {
    const { grid, job, task, on } = await two()
    const full = on.build(true)
    const late = { ...full, placements: [] }
    await on.report()
    await expect(on.deliver(late)).rejects.toThrow('unavailable')
    expect(await grid.state(job)).toBe('running')
    expect(on.has(task)).toBe(true)
  })

  test('an older session and an older boot are overtaken too', async () => {
    const { grid, on, other } = await two()
    const old = on.build(true)
    await grid.clock.advance(20_000)
    on.session = 's2'
    on.sequence = 0
    await on.report(true)
    await expect(on.deliver(old)).rejects.toThrow('unavailable')
    await grid.pass(20_000, other)
    on.reboot()
    await grid.pass(1_000, other)
    await on.report()
    await expect(on.deliver(old)).rejects.toThrow('unavailable')
  })

  test('a boot that began before an old report was read is believed when it goes on', async () => {
    const { grid, job, on, other } = await two()
    const old = { ...on.build(true), uptimeMs: 40_000 }
    const uptimeBefore = grid.clock.uptime()
    // The machine was started again; its report of before lay in a buffer meanwhile, and is read now.
    on.sequence += 1
    await on.deliver({ ...old, sequence: on.sequence })
    on.reboot()
    const since = (): number => 60_000 + grid.clock.uptime() - uptimeBefore
    const again = (): typeof old => ({ ...on.build(true), uptimeMs: since(), placements: [] })
    await expect(on.deliver(again())).rejects.toThrow('unavailable')
    // A second one in the same breath proves nothing.
    await expect(on.deliver({ ...again(), uptimeMs: since() + 5_000 })).rejects.toThrow(
      'unavailable',
    )
    // The one that is known might only be late.
    await grid.pass(5_000, other)
    await expect(on.deliver({ ...again(), uptimeMs: since() + 5_000 })).rejects.toThrow(
      'unavailable',
    )
    await grid.pass(15_000, other)
    await on.deliver({ ...again(), uptimeMs: since() + 5_000 })
    expect(grid.brain.state.nodes.get(on.name)?.state).toBe('up')
    expect(await grid.state(job)).toBe('pending')
  })

  test('a placement that its node forgot is told again, or over if it had begun', async () => {
    const grid = await BrainGrid.open()
    const node = await grid.node('n1')
    const begun = await grid.submit({ ...bot, name: 'begun' })
    const unbegun = await grid.submit({ name: 'unbegun' })
    await grid.tick()
    node.start(`${begun}.1`)
    await node.report()
    node.held.clear()
    await node.report(true)
    expect(await grid.state(begun)).toBe('pending')
    await grid.pass(8_000, node)
    expect(node.of(`${begun}.1`).order).toMatchObject({ epoch: 2, firstRun: 2 })
    expect(node.of(`${unbegun}.1`).order).toMatchObject({ epoch: 1, firstRun: 1 })
  })

  test('a run whose record is lost but which lives is taken up again, a stale one stopped', async () => {
    const { grid, job, task, on } = await two()
    on.held.clear()
    on.oddities = [
      { key: `${task}.1.1`, detail: 'no record', populated: true },
      { key: '1.1.0.1', detail: 'no record', populated: true },
      { key: 'stranger', detail: 'no record', populated: true },
    ]
    const { answers } = await on.report(true)
    expect(answers).toEqual([{ task: '1.1', epoch: 0, version: 0, then: 'stop' }])
    await grid.quiet()
    expect(on.of(task).order.epoch).toBe(1)
    expect(await grid.state(job)).toBe('running')
  })

  test('another machine under a name in use is refused, and the name cordoned', async () => {
    const { grid, on, other } = await two()
    const twin = { ...on.build(true), session: 'x', facts: { ...on.facts, machineId: 'other' } }
    await expect(on.deliver(twin)).rejects.toThrow('node-refused')
    const view = await grid.ok('showNode', operator, { params: { node: on.name } })
    expect(view).toMatchObject({ cordoned: true, state: 'up' })
    await grid.reopen()
    await grid.turn(on, other)
    expect(await grid.ok('showNode', operator, { params: { node: on.name } })).toMatchObject({
      cordoned: true,
    })
  })

  test('a machine that was cloned is another one, whatever boot it says and however it goes on', async () => {
    const { grid, on } = await two()
    on.facts = { ...on.facts, hardware: 'board-1' }
    await on.report()
    const facts = { ...on.facts, hardware: 'board-2', bootId: 'boot-of-clone' }
    const clone = { ...on.build(true), session: 'clone', placements: [], facts }
    for (const sequence of [1, 2, 3]) {
      const uptimeMs = 60_000 + sequence * 2_000
      await expect(on.deliver({ ...clone, sequence, uptimeMs })).rejects.toThrow('node-refused')
      await grid.clock.advance(2_000)
    }
    // Also by a scheduler that has just been started, and has heard nobody yet.
    await grid.reopen()
    on.meet(grid.brain)
    await expect(on.deliver(clone)).rejects.toThrow('node-refused')
  })

  test('a clone that nothing tells apart is told by that both speak', async () => {
    const { grid, job, on, other } = await two()
    const facts = { ...on.facts, bootId: 'boot-of-clone' }
    const built = { ...on.build(true), session: 'clone', placements: [], facts }
    let sequence = 0
    const clone = () => {
      sequence += 1
      return on.deliver({ ...built, sequence, uptimeMs: 60_000 + grid.clock.uptime() })
    }
    // It tries again each second; the first reports each four.
    for (let second = 0; second < 40; second += 1) {
      const what = second < 28 ? /unavailable|node-refused/ : 'node-refused'
      await expect(clone()).rejects.toThrow(what)
      await grid.clock.advance(1_000)
      if (second % 4 === 3) await grid.turn(on, other)
    }
    expect(await grid.show(job)).toMatchObject({ state: 'running', node: on.name })
    const { cordoned, reason } = await grid.ok('showNode', operator, { params: { node: on.name } })
    expect({ cordoned, reason }).toEqual({
      cordoned: true,
      reason: expect.stringContaining('two machines'),
    })
    // Nor is it believed when the first is cut off: that one's lease lasts.
    for (let second = 0; second < 40; second += 1) {
      await expect(clone()).rejects.toThrow('node-refused')
      await grid.pass(1_000, other)
    }
    expect(await grid.show(job)).toMatchObject({ state: 'unreachable', node: on.name })
  })

  test('nor is it when a second clone has taken the name meanwhile, and two clones are told as one is', async () => {
    const { grid, on, other } = await two()
    let sequence = 0
    const cloneOf = (bootId: string) => {
      const facts = { ...on.facts, bootId }
      const built = { ...on.build(true), session: bootId, placements: [], facts }
      return () => {
        sequence += 1
        return on.deliver({ ...built, sequence, uptimeMs: 60_000 + grid.clock.uptime() })
      }
    }
    const [first, second] = [cloneOf('boot-of-first'), cloneOf('boot-of-second')]
    for (let turn = 0; turn < 40; turn += 1) {
      await expect(first()).rejects.toThrow(/unavailable|node-refused/)
      await expect(second()).rejects.toThrow(/unavailable|node-refused/)
      await grid.clock.advance(1_000)
      if (turn % 4 === 3) await grid.turn(on, other)
    }
    await expect(first()).rejects.toThrow('node-refused')
    // Nothing of the original is heard any more, and one that has not been told yet is taken for its next boot.
    const third = cloneOf('boot-of-third')
    for (let turn = 0; turn < 24; turn += 1) await grid.pass(1_000, other)
    await expect(third()).rejects.toThrow('unavailable')
    await grid.pass(2_000, other)
    await third()
    await grid.ok('uncordonNode', operator, { params: { node: on.name } })
    const there = await grid.submit({ ...bot, name: 'there', where: { node: on.name } })
    await grid.pass(1_000, other)
    await third()
    expect(await grid.show(there)).toMatchObject({ state: 'placed', node: on.name })
    for (let turn = 0; turn < 24; turn += 1) await grid.pass(1_000, other)
    await expect(first()).rejects.toThrow('node-refused')
    expect(await grid.show(there)).toMatchObject({ state: 'unreachable', node: on.name })
  })

  test('a clone that is switched on between two reports of its original does not pass for its next boot', async () => {
    const { grid, job, on, other } = await two()
    await grid.pass(4_000, on, other)
    await grid.pass(3_000, other)
    const facts = { ...on.facts, bootId: 'boot-of-clone' }
    const clone = { ...on.build(true), session: 'clone', placements: [], facts, uptimeMs: 2_000 }
    await expect(on.deliver(clone)).rejects.toThrow('another boot')
    await on.report()
    expect(await grid.show(job)).toMatchObject({ state: 'running', node: on.name })
  })

  test('nor does one whose report is read first after the scheduler stood still', async () => {
    const { grid, job, on, other } = await two()
    const facts = { ...on.facts, bootId: 'boot-of-clone' }
    const built = { ...on.build(true), session: 'clone', placements: [], facts }
    const clone = () => on.deliver({ ...built, uptimeMs: grid.clock.uptime() })
    await expect(clone()).rejects.toThrow('another boot')
    // No tick meanwhile.
    await grid.clock.advance(60_000)
    built.sequence += 1
    await expect(clone()).rejects.toThrow('another boot')
    await grid.turn(on, other)
    expect(await grid.show(job)).toMatchObject({ state: 'running', node: on.name })
  })

  test('when the first is believed again, what its clone has counted is not held against it', async () => {
    const { grid, job, task, on } = await afterClone(bot, { ahead: 5 })
    const until = grid.clock.now() + 60_000
    on.phase(task, { kind: 'backoff', until, failures: 1, crashLoop: false })
    await on.report(true)
    expect(await grid.show(job)).toMatchObject({ state: 'backoff', node: on.name })
  })

  test('an end that was told in part is told again: with it the rest would be forgotten', async () => {
    const { grid, job, task, on, other } = await two({ retry: 0 })
    await grid.pass(24_000, other)
    expect(await grid.state(job)).toBe('unreachable')
    const { version } = on.of(task).report
    on.exit(task)
    const built = on.build(true)
    const part = built.placements.map((one) => ({
      ...one,
      runs: [],
      version: version - 1,
      part: true,
    }))
    const { answers } = await on.deliver({ ...built, placements: part })
    expect(answers).toEqual([{ task, epoch: 1, version: 0, then: 'keep' }])
    expect(await grid.state(job)).toBe('unreachable')
    await on.report(true)
    const { state, tasks } = await grid.show(job)
    expect(state).toBe('finished')
    expect(tasks[0]).toMatchObject({ runs: [{ number: 1, cause: { kind: 'exit', code: 0 } }] })
  })

  test('nor is it held against what another boot tells in part that its clone has counted further', async () => {
    const { grid, job, task, on } = await afterClone({ retry: 0 }, { ahead: 5 })
    const { version } = on.of(task).report
    on.exit(task)
    const whole = on.build(true)
    const part = whole.placements.map((one) => ({ ...one, runs: [], version, part: true }))
    await on.deliver({ ...whole, placements: part })
    await on.report(false)
    expect(await grid.show(job)).toMatchObject({ state: 'finished', cause: { kind: 'exit' } })
  })

  test('another boot begins with all that is there: what changed of it says nothing of the rest', async () => {
    const { grid, job, task, on } = await afterClone(bot, { ahead: 0 })
    const until = grid.clock.now() + 60_000
    on.phase(task, { kind: 'backoff', until, failures: 1, crashLoop: false })
    const change = { ...on.build(false), placements: [] }
    await expect(on.deliver(change)).rejects.toThrow('begins with a full report')
    await on.report(true)
    expect(await grid.show(job)).toMatchObject({ state: 'backoff', node: on.name })
  })

  test('a stream that another start of an agent opened gets no orders', async () => {
    const grid = await BrainGrid.open()
    const node = await grid.node('n1')
    const heard: string[] = []
    const stream = (session: string) => {
      const send = ({ kind }: { kind: string }) => void heard.push(`${session} ${kind}`)
      grid.brain.attachOrders('n1', { session, send, close: () => {} })
    }
    stream('other')
    await grid.pass(8_000, node)
    expect(heard).toEqual([])
    stream(node.session)
    await grid.pass(8_000, node)
    expect(heard).toEqual([`${node.session} full`])
  })

  test('who takes over a name takes over its orders: the stream of the machine before is closed', async () => {
    const grid = await BrainGrid.open()
    const node = await grid.node('n1')
    await grid.pass(7 * 60_000)
    const closed: string[] = []
    grid.brain.attachOrders('n1', { send: () => {}, close: () => closed.push('first') })
    const twin = { ...node.build(true), session: 'x', revision: null, terms: null, grid: null }
    await node.deliver({ ...twin, facts: { ...node.facts, machineId: 'other' } })
    expect(closed).toEqual(['first'])
  })

  test('a foreign grid and another protocol are refused', async () => {
    const { on } = await two()
    await expect(on.deliver({ ...on.build(true), grid: 'other' })).rejects.toThrow('wrong-grid')
    await expect(on.deliver({ ...on.build(true), protocol: 9 })).rejects.toThrow('wrong-protocol')
  })
})

/** A job is shown from memory and from the store: what it says fits together, whatever happens between the reads. */
import { expect, test } from 'vitest'

import { anna, BrainGrid } from '../../support/brain.ts'

/** Something happens to the job between two reads of the store. */
function between(grid: BrainGrid, happens: () => Promise<unknown>): void {
  const { store } = grid
  const sound = { ...store }
  store.query = async (name, args) => {
    const answer = await sound.query(name, args)
    if (name !== 'tasks') return answer
    Object.assign(store, sound)
    await happens()
    return answer
  }
}

test('a job that ends while it is read is shown as ended, its task and run too', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({})
  await grid.tick()
  node.start(`${job}.1`)
  await node.report()
  await grid.quiet()
  between(grid, () => {
    node.exit(`${job}.1`, 3)
    return node.report()
  })
  expect(await grid.show(job)).toMatchObject({
    state: 'finished',
    outcome: 'failed',
    tasks: [{ state: 'finished', outcome: 'failed', runs: [{ number: 1, exitCode: 3 }] }],
  })
})

test('a task that ends while its array is read is shown as ended', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ array: { from: 1, to: 2, step: 1 } })
  await grid.tick()
  for (const index of [1, 2]) node.start(`${job}.${index}`)
  await node.report()
  await grid.quiet()
  between(grid, () => {
    node.exit(`${job}.2`)
    return node.report()
  })
  const shown = await grid.show(job)
  expect(shown.counts).toMatchObject({ running: 1, succeeded: 1 })
  expect(shown.tasks.map(({ state }) => state)).toEqual(['running', 'finished'])
})

test('an array of which something ends with every look is shown all the same', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ array: { from: 1, to: 3, step: 1 } })
  await grid.tick()
  const sound = { ...grid.store }
  let looks = 0
  grid.store.query = async (name, args) => {
    if (name === 'tasks') {
      looks += 1
      await grid.ok('editJob', anna, { params: { job: String(job) }, body: { priority: -looks } })
    }
    return sound.query(name, args)
  }
  expect(await grid.show(job)).toMatchObject({ id: job, array: { from: 1, to: 3 } })
  expect(looks).toBeGreaterThan(1)
  expect(node.has(`${job}.1`)).toBe(true)
})

test('a bot whose check fails is running, and says so before it is restarted', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ kind: 'continuous' })
  await grid.tick()
  node.start(`${job}.1`)
  const said = async () => {
    await node.report()
    const { summary } = await grid.ok('explainJob', anna, { params: { job: String(job) } })
    return { reason: (await grid.show(job)).reason, summary }
  }
  const { report } = node.of(`${job}.1`)
  const healthy = { reason: null, summary: 'is running: nothing of it waits' }
  expect(await said()).toEqual(healthy)
  report.phase = { kind: 'running', run: 1, since: grid.clock.now(), healthy: false }
  report.version += 1
  const words = 'its last check failed; it is restarted if that goes on'
  expect(await said()).toEqual({ reason: words, summary: words })
  report.phase = { ...report.phase, healthy: true }
  report.version += 1
  expect(await said()).toEqual(healthy)
})

test('of a job that has ended explain tells the end, in words that follow its number', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const [good, bad] = [await grid.submit({ name: 'good' }), await grid.submit({ name: 'bad' })]
  await grid.tick()
  for (const [job, code] of [
    [good, 0],
    [bad, 3],
  ] as const) {
    node.start(`${job}.1`)
    node.exit(`${job}.1`, code)
  }
  await node.report()
  const explained = async (job: number) =>
    (await grid.ok('explainJob', anna, { params: { job: String(job) } })).summary
  expect(await explained(good)).toBe('succeeded: exit 0')
  expect(await explained(bad)).toBe('failed: exit 3')
})

test('a task that the job does not have is no empty answer, while it lives and after', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ array: { from: 1, to: 3, step: 2 } })
  const asked = async () =>
    Promise.all([
      grid.refused('showJob', anna, { params: { job: `${job}.2` } }),
      grid.refused('readLog', anna, { params: { job: `${job}.5` }, query: {} }),
      grid.ok('showJob', anna, { params: { job: `${job}.3` } }),
    ])
  expect((await asked()).slice(0, 2)).toEqual(['not-found', 'not-found'])
  await grid.turn(node)
  for (const index of [1, 3]) {
    node.start(`${job}.${index}`)
    node.exit(`${job}.${index}`)
  }
  await grid.turn(node)
  expect(grid.brain.state.jobs.size).toBe(0)
  expect((await asked()).slice(0, 2)).toEqual(['not-found', 'not-found'])
})

test('each end of a bot is in its timeline, also where one report tells of a run from its start to its end; a suspended one has no next run yet', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const bot = await grid.submit({ kind: 'continuous', name: 'bot' })
  await grid.tick()
  const task = `${bot}.1`
  for (const failures of [1, 2, 5]) {
    node.start(task)
    const until = grid.clock.now() + failures * 1_000
    node.phase(task, { kind: 'backoff', until, failures, crashLoop: failures > 4 })
    await node.report()
  }
  const { timeline, reason } = await grid.show(bot)
  const waits = timeline.filter(({ what }) => what === 'backoff' || what === 'crash-loop')
  expect(waits.map(({ what }) => what)).toEqual(['backoff', 'backoff', 'crash-loop'])
  expect(reason).toContain('crash loop: 5 ends in a row, next run at')
  await grid.ok('suspendJobs', anna, { body: { jobs: [String(bot)] } })
  expect(await grid.show(bot)).toMatchObject({
    state: 'backoff',
    reason: 'suspended: its next run begins when it is resumed',
  })
})

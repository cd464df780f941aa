/** What runs on nodes and a restored database does not know: an operator ends it. */
import { expect, test } from 'vitest'

import type { Caller } from '../../../scheduler/brain/call.ts'
import { restore } from '../../../scheduler/store/restore.ts'
import { anna, operator } from '../../support/brain.ts'
import { gridWithBackup, meet, openAt, schema } from '../../support/restored.ts'

/** A restored database, and a node that runs a job which it does not know. */
async function unknownRun() {
  const { folder, grid, node, known, lost, file } = await gridWithBackup()
  restore({ folder: `${folder}-2`, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(`${folder}-2`, grid.clock)
  meet(restored, node)
  await node.report(true)
  await restored.quiet()
  const ask = (caller: Caller, job: string | number, more: object = {}) =>
    restored.ok('stopJobs', caller, { body: { jobs: [String(job)], ...more } })
  const shown = () => restored.ok('showNode', operator, { params: { node: 'n1' } })
  const answersTo = async (task: string, full = false) => {
    const { answers } = await node.report(full)
    return answers.filter((answer) => answer.task === task).map(({ then }) => then)
  }
  return { restored, node, known, lost, ask, shown, answersTo, task: `${lost}.1` }
}

test('an operator stops what a restored database does not know: with the next report, and also by a scheduler started since', async () => {
  const { restored, node, known, lost, ask, shown, answersTo, task } = await unknownRun()
  expect(await ask(anna, task)).toMatchObject({
    done: [],
    refused: [{ ref: task, code: 'forbidden' }],
  })
  expect(await ask(operator, task, { dryRun: true })).toMatchObject({ done: [{ job: lost }] })
  expect(await answersTo(task, true)).toEqual(['keep'])
  expect(await ask(operator, task, { why: 'is lost' })).toEqual({
    done: [{ job: lost, task: 1, name: '', detail: 'stopping unknown runs on n1' }],
    refused: [],
  })
  const detail = `told to stop by ${operator.owner}: is lost`
  expect((await shown()).unknownRuns).toMatchObject([{ task, detail }])
  await restored.reopen()
  meet(restored, node)
  expect(await answersTo(task, true)).toEqual(['stop'])
  expect((await shown()).unknownRuns).toMatchObject([{ task, detail }])
  expect(await answersTo(`${known}.1`, true)).toEqual(['keep'])
  node.end(task, { kind: 'signal', signal: 'SIGTERM' })
  expect(await answersTo(task)).toEqual(['forget'])
  expect(await shown()).toMatchObject({ slotsUsed: 1, unknownRuns: [] })
  expect(restored.brain.state.nodes.get('n1')?.unwanted).toEqual([])
  expect((await ask(operator, lost)).refused).toMatchObject([{ code: 'not-found' }])
  const { entries } = await restored.ok('listAudit', operator, { query: { job: lost } })
  expect(entries[0]).toMatchObject({ what: 'stop', about: `job ${task}`, job: lost, owner: null })
  expect(entries).toHaveLength(1)
})

test('what is asked to stop while its node is not heard is told when that speaks, and nothing else is', async () => {
  const { restored, node, lost, ask, answersTo, task } = await unknownRun()
  const { order, report } = node.of(task)
  const other = { ...order, task: `${lost}.2` }
  node.held.set(`${lost}.2@1`, { order: other, report: { ...report, task: `${lost}.2` } })
  await node.report(true)
  await restored.pass(40_000)
  const [stopping] = (await ask(operator, task)).done
  expect(stopping?.detail).toBe('stopping unknown runs on n1 (n1: when it reports again)')
  expect(await answersTo(task, true)).toEqual(['stop'])
  expect(await answersTo(`${lost}.2`, true)).toEqual(['keep'])
  // By its number the whole job is meant.
  expect((await ask(operator, lost)).done).toMatchObject([{ job: lost, task: null }])
  await node.report()
  expect(await answersTo(`${lost}.2`)).toEqual(['stop'])
})

test('a run without a record, of a job that the restored database does not know, is stopped by an operator too', async () => {
  const { node, ask, shown, answersTo, task } = await unknownRun()
  node.held.delete(`${task}@1`)
  node.oddities = [{ key: `${task}.1.1`, detail: 'no record', populated: true }]
  expect(await answersTo(task, true)).toEqual([])
  await ask(operator, task)
  expect(await answersTo(task)).toEqual(['stop'])
  expect((await shown()).unknownRuns).toMatchObject([
    { task: `${task}.1.1`, epoch: 1, detail: `no record; told to stop by ${operator.owner}` },
  ])
})
test('of a node whose loss is confirmed nothing unknown is shown or counted; the stop stands, should it come back', async () => {
  const { restored, node, ask, shown, answersTo, task } = await unknownRun()
  await restored.pass(60_000)
  const remove = () => restored.call('removeNode', operator, { params: { node: 'n1' } })
  await ask(operator, task)
  expect(await remove()).toMatchObject({ ok: false, refusal: { code: 'wrong-state' } })
  await restored.ok('loseNode', operator, { params: { node: 'n1' }, body: { confirmed: true } })
  expect(await shown()).toMatchObject({ state: 'lost', slotsUsed: 0, unknownRuns: [] })
  node.attach()
  expect(await answersTo(task, true)).toEqual(['stop'])
  node.detach()
  await restored.pass(400_000)
  await restored.ok('loseNode', operator, { params: { node: 'n1' }, body: { confirmed: true } })
  expect(await remove()).toMatchObject({ ok: true })
})

test('a request that names thousands of numbers looks at each node once', async () => {
  const { restored, task } = await unknownRun()
  const node = restored.brain.state.nodes.get('n1')
  if (node === undefined) throw new Error('no node')
  const { unknown } = node
  let looks = 0
  Object.defineProperty(node, 'unknown', { get: () => ((looks += 1), unknown) })
  const jobs = Array.from({ length: 5_000 }, (_, at) => String(900_000_000 + at))
  const { refused } = await restored.ok('stopJobs', anna, { body: { jobs: [...jobs, task] } })
  expect(refused).toHaveLength(5_001)
  expect(looks).toBeLessThan(10)
  // Whose it is nobody knows: where it runs is told to operators only.
  expect(refused.at(-1)).toMatchObject({ code: 'forbidden' })
  expect(refused.at(-1)?.detail).not.toContain('n1')
})

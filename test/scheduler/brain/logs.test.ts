import { expect, test } from 'vitest'

import { anna, bert, BrainGrid, operator } from '../../support/brain.ts'

const bot = { kind: 'continuous', name: 'bot' } as const
const text = (data: string): string => Buffer.from(data, 'base64').toString()
const base64 = (data: string): string => Buffer.from(data).toString('base64')

async function running(
  request: Parameters<BrainGrid['submit']>[0] = bot,
  facts: Parameters<Awaited<ReturnType<BrainGrid['node']>>['start']>[1] = {},
) {
  const grid = await BrainGrid.open()
  const n1 = await grid.node('n1')
  const job = await grid.submit(request)
  await grid.tick()
  n1.start(`${job}.1`, facts)
  await n1.report()
  const params = { params: { job: String(job) } }
  const read = async (query: Record<string, unknown> = {}) => {
    const reply = await grid.ok('readLog', anna, { ...params, query })
    return { ...reply, data: text(reply.data) }
  }
  return { grid, n1, job, params, read }
}

test('output is asked of the node that has it, and only shown to whom it belongs', async () => {
  const { grid, n1, params, read } = await running()
  n1.answers = ({ cursor, stream }) => (cursor === null ? base64(`hello ${stream}`) : '')
  const first = await read()
  expect(first).toMatchObject({ data: 'hello out', end: true, over: false, note: null })
  expect(await read({ cursor: first.cursor })).toMatchObject({ data: '', over: false })
  expect((await read({ stream: 'err' })).data).toBe('hello err')
  expect(await grid.refused('readLog', bert, params)).toBe('forbidden')
  expect(await grid.refused('readLog', operator, params)).toBe('done')
})

test('before the first run there is nothing; an array is read by its tasks', async () => {
  const grid = await BrainGrid.open()
  const job = await grid.submit()
  const params = { job: String(job) }
  expect(await grid.ok('readLog', anna, { params })).toMatchObject({ end: true, over: false })
  await grid.stop([job])
  expect(await grid.ok('readLog', anna, { params })).toMatchObject({ end: true, over: true })
  const array = await grid.submit({ array: { from: 1, to: 2, step: 1 } })
  expect(await grid.refused('readLog', anna, { params: { job: String(array) } })).toBe('invalid')
  expect(await grid.refused('readLog', anna, { params: { job: `${array}.1` } })).toBe('done')
})

test('who follows a job that moves reads the old node to its end, then the new one', async () => {
  const { grid, n1, job, read } = await running()
  const n2 = await grid.node('n2')
  await grid.turn(n1, n2)
  n1.answers = ({ cursor }) => (cursor === null ? base64('one ') : base64(''))
  const first = await read()
  await grid.ok('drainNode', operator, { params: { node: 'n1' }, body: {} })
  await grid.tick()
  n1.stopWanted()
  await n1.report()
  await grid.tick()
  n2.start(`${job}.1`, { outMark: { inode: 7, offset: 40 } })
  await n2.report()
  n1.answers = ({ cursor }) => (cursor === 'at-8' ? base64('last words ') : base64(''))
  n2.answers = ({ cursor, mark }) => (cursor === null ? base64(`new ${mark?.offset}`) : base64(''))
  const second = await read({ cursor: first.cursor })
  expect(second).toMatchObject({ data: 'last words ', end: false, over: false })
  const third = await read({ cursor: second.cursor })
  expect(third).toMatchObject({ data: 'new 40', end: true })
  expect((await read({ cursor: third.cursor })).data).toBe('')
})

test('on a shared home a move shows no line twice, and hides none from before it', async () => {
  const { grid, n1, job, read } = await running(bot, { outMark: { inode: 7, offset: 0 } })
  const n2 = await grid.node('n2')
  await grid.turn(n1, n2)
  const file = 'old 1 old 2 new 1 new 2 '
  // Both nodes answer from the one file of inode 7.
  const answers: typeof n1.answers = ({ cursor, mark }) =>
    base64(file.slice(cursor === null ? (mark?.offset ?? 0) : Number(cursor.split(':')[1])))
  n1.answers = n2.answers = answers
  n1.cursorOf = n2.cursorOf = () => `7:${file.length}`
  await grid.ok('drainNode', operator, { params: { node: 'n1' }, body: {} })
  await grid.tick()
  n1.stopWanted()
  await n1.report()
  await grid.tick()
  // The new run has written before the scheduler hears of it: who follows sees that through the old node.
  const early = await read()
  expect(early.data).toBe(file)
  n2.start(`${job}.1`, { outMark: { inode: 7, offset: 12 } })
  await n2.report()
  const moved = await read({ cursor: early.cursor })
  expect(moved).toMatchObject({ data: '', end: false })
  expect((await read({ cursor: moved.cursor })).data).toBe('')
  expect((await read()).data).toBe(file)
})

test('over is said only when the rest has been read', async () => {
  const { grid, n1, job, read } = await running({ name: 'once' })
  n1.answers = ({ cursor }) => base64(cursor === null ? 'begin ' : cursor === 'at-8' ? 'end' : '')
  const first = await read()
  expect(first).toMatchObject({ data: 'begin ', over: false })
  expect(first.missing).toBeUndefined()
  n1.exit(`${job}.1`)
  await n1.report()
  expect(await read({ cursor: first.cursor })).toMatchObject({ data: 'end', over: true })
  expect(grid.brain.state.jobs.size).toBe(0)
})

test('of a node that is gone the kept end is shown', async () => {
  const { grid, n1, job, params, read } = await running({ name: 'once' })
  n1.answers = () => base64('all of it')
  const first = await read()
  n1.exit(`${job}.1`)
  const held = n1.of(`${job}.1`).report.runs[0]
  if (held) held.tail = { out: base64('the end'), err: '' }
  await n1.report()
  await grid.pass(30_000)
  expect(await read()).toMatchObject({ data: 'the end', end: true, over: true })
  expect(await read()).toMatchObject({ note: expect.stringContaining('kept'), missing: true })
  expect(await read({ cursor: first.cursor })).toMatchObject({ data: '', over: true })
  expect(await grid.refused('readLog', anna, { ...params, query: { run: 7 } })).toBe('not-found')
})

test('a run that could not start has no output to be missing', async () => {
  const { grid, n1, job, read } = await running({ name: 'once' })
  n1.end(`${job}.1`, {
    kind: 'could-not-start',
    call: 'chdir',
    error: 'ENOENT',
    detail: '/no/such',
  })
  await n1.report()
  await grid.pass(30_000)
  const reply = await read()
  expect(reply).toMatchObject({ data: '', note: expect.stringContaining('cannot be read') })
  expect(reply.missing).toBeUndefined()
})

test('a node that does not answer is told, and may be asked again', async () => {
  const { grid, n1, params } = await running()
  const pending = grid.call('readLog', anna, { ...params })
  await grid.quiet()
  await grid.clock.advance(11_000)
  expect(await pending).toMatchObject({ ok: false, refusal: { code: 'node-silent' } })
  n1.detach()
  expect(await grid.refused('readLog', anna, params)).toBe('node-silent')
})

import { expect, it } from 'vitest'

import { outputSource, parseCursor } from '../../exec-node/ask.ts'
import type { OutputRequest } from '../../exec-node/process/output.ts'
import type { Ask } from '../../proto/sync.ts'
import { order } from './grid.ts'

const identity = { user: 'alice', uid: 1, gid: 1, groups: [], home: '/h', shell: '/bin/sh' }
const text = Buffer.from('before|mine|after')

/** A file of inode 5 with the text above. */
function source() {
  const asked: (OutputRequest & { path: string })[] = []
  const read = async (_: unknown, path: string, request: OutputRequest) => {
    asked.push({ ...request, path })
    const from = request.cursor?.offset ?? (request.tail ? 0 : (request.fromMark?.offset ?? 0))
    const bytes = text.subarray(from, from + request.maxBytes)
    const offset = from + bytes.length
    return {
      ok: true,
      bytes,
      next: { inode: 5, offset },
      endOfFile: offset === text.length,
    } as const
  }
  return { asked, source: outputSource(async () => ({ ok: true, identity }), read) }
}

const { spec } = order(1)
const ask: Ask = {
  kind: 'read-output',
  task: '1.1',
  epoch: 1,
  run: null,
  stream: 'err',
  cursor: null,
  tailLines: null,
  maxBytes: 100,
  owner: 'alice',
  spec,
  job: 1,
  index: 1,
  mark: null,
  endMark: null,
}

it('answers with bytes and a cursor to go on from', async () => {
  const { asked, source: output } = source()
  const answer = await output.answer({ ...ask, maxBytes: 6 })
  expect(Buffer.from(answer.data, 'base64').toString()).toBe('before')
  expect(answer).toMatchObject({ ok: true, cursor: '5:6', end: false })
  const next = await output.answer({ ...ask, cursor: answer.cursor })
  expect(Buffer.from(next.data, 'base64').toString()).toBe('|mine|after')
  expect(next.end).toBe(true)
  expect(asked[0]?.path).toBe('/home/alice/bot.err')
})

it('reads nothing of output that nobody wants', async () => {
  const { asked, source: output } = source()
  const answer = await output.answer({ ...ask, spec: { ...spec, err: '/dev/null' } })
  expect(answer).toMatchObject({ ok: true, data: '', end: true })
  expect(asked).toEqual([])
})

it('gives one run its own part of a shared file', async () => {
  const { source: output } = source()
  const marks = { mark: { inode: 5, offset: 7 }, endMark: { inode: 5, offset: 11 } }
  const answer = await output.answer({ ...ask, ...marks, tailLines: 10 })
  expect(Buffer.from(answer.data, 'base64').toString()).toBe('mine')
  expect(answer).toMatchObject({ cursor: '5:11', end: true })
})

it('says what is wrong with a cursor', async () => {
  expect(parseCursor('5:x')).toBe('bad')
  const answer = await source().source.answer({ ...ask, cursor: 'x' })
  expect(answer).toMatchObject({ ok: false, problem: '"x" is no position in a log' })
})

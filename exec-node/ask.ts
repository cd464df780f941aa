/** Answers questions about output: read by a helper that runs as the owner, never by the agent itself. */
import type { Ask, Answer, Order, RunReport } from '../proto/sync.ts'
import { outputPlan } from './file-names.ts'
import type { OutputSource } from './ports.ts'
import type { Cursor, OutputPart, OutputRequest } from './process/output.ts'
import type { Identity, OutputMark } from './process/run-driver.ts'
import type { LookUp } from './run-plan.ts'

export type ReadOutput = (
  identity: Identity,
  path: string,
  request: OutputRequest,
) => Promise<OutputPart>

const maxAnswerBytes = 4 * 2 ** 20
/** The last 64 KiB of a run travel with its end: half for each stream. */
const tailBytes = 32 * 2 ** 10
const tailLines = 1000
const tailReads = 8

/** Where output goes that nobody wants. */
const nowhere = '/dev/null'

export function outputSource(lookUp: LookUp, read: ReadOutput): OutputSource {
  return {
    answer: (ask) => answer(ask, lookUp, read),
    async tail(order, seen) {
      const found = await lookUp(order.owner)
      if (!found.ok) return null
      const { out, err } = outputPlan(order, found.identity)
      const part = (path: string, mark: OutputMark | null) =>
        path === nowhere ? '' : tailOf(found.identity, path, mark, read)
      const [outText, errText] = await Promise.all([
        part(out, seen.outMark),
        err === out ? '' : part(err, seen.errMark),
      ])
      const tail: RunReport['tail'] = { out: outText, err: errText }
      return tail.out === '' && tail.err === '' ? null : tail
    },
  }
}

async function answer(ask: Ask, lookUp: LookUp, read: ReadOutput): Promise<Answer> {
  const found = await lookUp(ask.owner)
  if (!found.ok) return problem(`${ask.owner}: ${found.detail}`)
  const { job, index, spec } = ask
  const paths = outputPlan({ job, index, spec } as Order, found.identity)
  const path = ask.stream === 'out' ? paths.out : paths.err
  if (path === nowhere) return { ok: true, problem: null, data: '', cursor: '0:0', end: true }
  const cursor = ask.cursor === null ? null : parseCursor(ask.cursor)
  if (cursor === 'bad') return problem(`"${ask.cursor}" is no position in a log`)
  const part = await read(found.identity, path, {
    cursor,
    fromMark: ask.mark,
    tail: ask.tailLines,
    maxBytes: Math.max(1, Math.min(ask.maxBytes, maxAnswerBytes)),
  })
  if (!part.ok) return problem(`${path}: ${part.error}`)
  const { bytes, next, isEnd } = within(part, ask)
  return {
    ok: true,
    problem: null,
    data: bytes.toString('base64'),
    cursor: `${next.inode}:${next.offset}`,
    end: isEnd,
  }
}

/** Cuts off what other runs wrote into the same file before and after this one. */
function within(part: OutputPart & { ok: true }, { mark, endMark, cursor }: Ask) {
  const { next } = part
  const start = next.offset - part.bytes.length
  const from = mark !== null && cursor === null && mark.inode === next.inode ? mark.offset : start
  const to = endMark !== null && endMark.inode === next.inode ? endMark.offset : Infinity
  const stop = Math.min(next.offset, Math.max(to, start))
  return {
    bytes: part.bytes.subarray(Math.max(0, from - start), stop - start),
    next: { inode: next.inode, offset: stop },
    isEnd: part.endOfFile || next.offset >= to,
  }
}

async function tailOf(
  identity: Identity,
  path: string,
  mark: OutputMark | null,
  read: ReadOutput,
): Promise<string> {
  let cursor: Cursor | null = null
  let kept: Buffer = Buffer.alloc(0)
  for (let reads = 0; reads < tailReads; reads += 1) {
    const request: OutputRequest = { cursor, tail: tailLines, maxBytes: 8 * tailBytes }
    const part = await read(identity, path, request).catch(() => null)
    if (part === null || !part.ok) break
    const start = part.next.offset - part.bytes.length
    const skip = mark?.inode === part.next.inode ? Math.max(0, mark.offset - start) : 0
    kept = Buffer.concat([kept, part.bytes.subarray(skip)]).subarray(-tailBytes)
    cursor = part.next
    if (part.endOfFile) break
  }
  return kept.toString('base64')
}

export function parseCursor(text: string): Cursor | 'bad' {
  const match = /^(\d{1,20}):(\d{1,16})$/.exec(text)
  return match === null ? 'bad' : { inode: Number(match[1]), offset: Number(match[2]) }
}

const problem = (text: string): Answer => ({
  ok: false,
  problem: text,
  data: '',
  cursor: null,
  end: true,
})

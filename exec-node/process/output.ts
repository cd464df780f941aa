/** Reads parts of an owner's log files, following a live file through its rotations by inode. */
import { identityArgument, askOwner } from './owner-program.ts'
import type { Identity, OutputMark } from './run-driver.ts'

export type Cursor = { inode: number; offset: number }

export type OutputRequest = {
  /** Go on from here; null: from `fromMark`, from the last `tail` lines (0: from the end), or from the beginning. */
  cursor: Cursor | null
  fromMark?: OutputMark | null
  tail?: number | null
  maxBytes: number
}

/** Rotated parts of a log that may be there. */
const partsKeptMost = 5

export type OutputPart =
  | { ok: true; bytes: Buffer; next: Cursor; endOfFile: boolean }
  | { ok: false; error: string }

export async function readOutput(
  identity: Identity,
  path: string,
  request: OutputRequest,
): Promise<OutputPart> {
  if (request.cursor === null && request.tail === 0) return endOf(identity, path)
  const from = request.cursor ?? request.fromMark ?? { inode: 0, offset: 0 }
  const tail = request.cursor ? 0 : (request.tail ?? 0)
  const part = await readPart(
    identity,
    path,
    tail > 0 ? { inode: 0, offset: 0 } : from,
    tail,
    request.maxBytes,
  )
  // The part that the cursor was in has been rotated away altogether: go on with the oldest that is left.
  if (!part.ok && part.error === 'open ESTALE' && from.inode !== 0)
    return readPart(identity, path, await oldestPart(identity, path), 0, request.maxBytes)
  return part
}

async function endOf(identity: Identity, path: string): Promise<OutputPart> {
  const reply = await askOwner([identityArgument(identity), 'read', path, '0', '0', '0', '0'])
  if (!reply.ok) return { ok: false, error: reply.error }
  const [inode = 0, , size = 0] = reply.bytes.toString().split(' ').map(Number)
  return { ok: true, bytes: Buffer.alloc(0), next: { inode, offset: size }, endOfFile: true }
}

async function oldestPart(identity: Identity, path: string): Promise<Cursor> {
  for (let back = partsKeptMost; back > 0; back -= 1) {
    const inode = await inodeOf(identity, `${path}.${back}`)
    if (inode !== null) return { inode, offset: 0 }
  }
  return { inode: 0, offset: 0 }
}

async function readPart(
  identity: Identity,
  path: string,
  from: Cursor,
  tail: number,
  maxBytes: number,
): Promise<OutputPart> {
  const args = [
    identityArgument(identity),
    'read',
    path,
    `${from.inode}`,
    `${from.offset}`,
    `${maxBytes}`,
    `${tail}`,
  ]
  const reply = await askOwner(args, { maxBytes: maxBytes + 4096 })
  if (!reply.ok) return { ok: false, error: reply.error }
  const lineEnd = reply.bytes.indexOf('\n')
  const [inode = 0, offset = 0, size = 0, following = 0] = reply.bytes
    .toString('utf8', 0, lineEnd)
    .split(' ')
    .map(Number)
  const bytes = reply.bytes.subarray(lineEnd + 1)
  const end = offset + bytes.length
  if (following === 0 || end < size)
    return { ok: true, bytes, next: { inode, offset: end }, endOfFile: end >= size }
  // An older part read to its end: the next newer one follows.
  return { ok: true, bytes, next: { inode: following, offset: 0 }, endOfFile: false }
}

async function inodeOf(identity: Identity, path: string): Promise<number | null> {
  const reply = await askOwner([identityArgument(identity), 'read', path, '0', '0', '0', '0'])
  return reply.ok ? Number(reply.bytes.toString().split(' ', 1)[0]) : null
}

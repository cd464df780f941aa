/** A job's output as a stream of pieces: now, or followed over restarts, rotation, moves and silent nodes. */
import { setTimeout as delay } from 'node:timers/promises'

import { ClientError } from './client-error.ts'
import type { CallOptions, Client, Input, ReplyOf } from './client.ts'

export type LogOptions = CallOptions & {
  stream?: 'out' | 'err'
  /** Output of this run only. */
  run?: number
  /** Begin with the last so many lines. */
  tail?: number
  /** Wait for more until the job is finished. */
  follow?: boolean
}
/** A piece of output, and what people should know about it. `missing`: some that belongs before or here cannot be read. */
export type LogPiece = { data: Buffer; note: string | null; missing: boolean }

type Setback = { lost: boolean; note: string }

const waitMs = 20_000
const silentPauseMs = 2_000

export async function* readLog(
  client: Client,
  job: string,
  options: LogOptions = {},
): AsyncGenerator<LogPiece, void, undefined> {
  const { follow } = options
  let cursor: string | null = null
  let noted = ''
  for (;;) {
    const query = queryOf(options, cursor)
    const part: ReplyOf<'readLog'> | Setback = await client
      .call('readLog', { params: { job }, query }, options)
      .catch((error: unknown) => (follow ? setBack(error) : Promise.reject(error)))
    if ('lost' in part) {
      if (part.note !== noted) yield { data: Buffer.alloc(0), note: part.note, missing: false }
      noted = part.note
      if (part.lost) cursor = null
      await delay(silentPauseMs, undefined, options.signal ? { signal: options.signal } : undefined)
      continue
    }
    const note = part.note === noted ? null : part.note
    noted = part.note ?? ''
    const data = Buffer.from(part.data, 'base64')
    if (data.length > 0 || note) yield { data, note, missing: part.missing ?? false }
    const stuck = part.cursor === null || part.cursor === cursor
    cursor = part.cursor ?? cursor
    if (part.end && (part.over || !follow)) return
    // A node that answers at once instead of waiting must not be asked without pause.
    if (stuck && data.length === 0)
      await delay(
        follow ? 200 : 50,
        undefined,
        options.signal ? { signal: options.signal } : undefined,
      )
  }
}

function queryOf(
  { stream, run, tail, follow }: LogOptions,
  cursor: string | null,
): NonNullable<Input<'readLog'>['query']> {
  return {
    ...(stream === undefined ? {} : { stream }),
    ...(run === undefined ? {} : { run }),
    ...(cursor === null ? (tail === undefined ? {} : { tail }) : { cursor }),
    ...(follow && cursor !== null ? { waitMs } : {}),
  }
}

/** While following, a silent node and a lost position are told and lived through. */
function setBack(error: unknown): Setback {
  if (!(error instanceof ClientError)) throw error
  if (error.code === 'node-silent') return { lost: false, note: error.detail }
  if (error.code === 'cursor-gone') return { lost: true, note: error.detail }
  throw error
}

/** Is this text from the spool a record that can be worked with? Anything less would silence the whole node. */
import type { PlacementRecord } from './core/record.ts'

type Is = (value: unknown) => boolean

const text: Is = (value) => typeof value === 'string'
const flag: Is = (value) => typeof value === 'boolean'
const number: Is = (value) => typeof value === 'number'
const whole: Is = (value) => Number.isInteger(value)
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const orNull =
  (is: Is): Is =>
  (value) =>
    value === null || is(value)
const list =
  (is: Is): Is =>
  (value) =>
    Array.isArray(value) && value.every(is)
const oneOf =
  (...words: string[]): Is =>
  (value) =>
    words.includes(value as string)
const fields =
  (shape: Record<string, Is>): Is =>
  (value) =>
    isObject(value) && Object.entries(shape).every(([name, is]) => is(value[name]))
const byKind =
  (kinds: Record<string, Is>): Is =>
  (value) =>
    isObject(value) && (kinds[String(value['kind'])]?.(value) ?? false)

const cause = fields({ kind: text })
const ending = { cause, graceMs: orNull(number) }
const mark = orNull(fields({ inode: whole, offset: whole }))

const spec = fields({
  name: text,
  kind: oneOf('task', 'continuous'),
  command: list(text),
  env: (value) => isObject(value) && Object.values(value).every(text),
  cwd: text,
  umask: whole,
  slots: whole,
  memBytes: whole,
  pids: whole,
  resources: (value) =>
    value === undefined || (isObject(value) && Object.values(value).every(whole)),
  restart: oneOf('always', 'on-failure'),
  check: orNull(isObject),
  stop: fields({ signal: text, graceMs: number }),
  warn: fields({ signal: text, beforeMs: number }),
  onPartition: oneOf('stop', 'keep'),
})

const order = fields({
  task: (value) => typeof value === 'string' && /^\d+\.\d+$/.test(value),
  epoch: whole,
  owner: text,
  job: whole,
  index: whole,
  firstRun: whole,
  want: byKind({ run: isObject, suspend: isObject, stop: fields(ending) }),
  restart: fields({ count: whole, by: text, why: text }),
  secrets: (value) => value === undefined || list(text)(value),
  dueAt: (value) => value === undefined || whole(value),
  spec,
})

const phase = byKind({
  accepted: isObject,
  running: fields({ run: whole, since: whole, healthy: flag }),
  backoff: fields({ until: whole, failures: whole, crashLoop: flag }),
  suspended: fields({ run: whole }),
  stopping: fields({ since: whole, stuck: list(isObject) }),
  ended: fields({ cause }),
})

const report = fields({
  number: whole,
  pid: orNull(whole),
  startedAt: orNull(whole),
  endedAt: orNull(whole),
  cause: orNull(cause),
  usage: orNull(isObject),
  outMark: mark,
  errMark: mark,
  tail: orNull(fields({ out: text, err: text })),
})

const run = fields({
  bootId: text,
  state: oneOf('intended', 'begun', 'over'),
  version: whole,
  limits: text,
  report,
})

const record: Record<string, Is> = {
  format: (value) => value === 1,
  order,
  version: whole,
  ackedVersion: whole,
  phase,
  runs: list(run),
  nextRun: whole,
  failures: whole,
  restartsSeen: whole,
  backoff: orNull(fields({ until: number, untilUptimeMs: number })),
  ending: orNull(fields(ending)),
  runEnding: orNull(fields({ ...ending, run: whole })),
  stoppingSince: orNull(number),
  frozen: flag,
  bootId: orNull(text),
}

/** What is wrong with it; null: nothing. */
export function flawOf(value: unknown): string | null {
  if (!isObject(value)) return 'it is no placement record'
  const bad = Object.keys(record).find((name) => !record[name]?.(value[name]))
  return bad === undefined ? null : `it is no placement record: ${bad} is not as it must be`
}

export const isRecord = (value: unknown): value is PlacementRecord => flawOf(value) === null

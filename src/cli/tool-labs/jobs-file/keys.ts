/** The keys of a jobs file: those of the Toolforge jobs framework, then ours. `eg dump` writes them in this order. */
import {
  amounts,
  command,
  cores,
  flag,
  octal,
  oneOf,
  range,
  signalName,
  size,
  span,
  text,
  texts,
  whole,
  type Type,
} from './values.ts'

export const keys = {
  name: text,
  command,
  image: text,
  schedule: text,
  continuous: flag,
  wait: {
    read: (value) =>
      typeof value === 'boolean'
        ? { ok: true, value: value ? defaultWaitMs : 0 }
        : span.read(value),
    write: span.write,
  } satisfies Type<number>,
  mem: size,
  cpu: cores,
  retry: whole(0, 1000),
  timeout: span,
  emails: oneOf('none', 'all', 'onfinish', 'onfailure'),
  filelog: flag,
  'no-filelog': flag,
  'filelog-stdout': text,
  'filelog-stderr': text,
  mount: oneOf('all', 'none'),
  replicas: whole(1),
  port: whole(1, 65_535),
  publish: flag,
  'health-check-script': command,
  'health-check-http': text,

  'job-name': text,
  tz: text,
  overlap: oneOf('forbid', 'queue', 'replace', 'allow'),
  'catch-up': oneOf('none', 'last', 'all'),
  jitter: span,
  cwd: text,
  env: texts,
  stdin: text,
  umask: octal,
  queue: text,
  slots: whole(1),
  pids: whole(1),
  where: texts,
  resources: amounts,
  priority: whole(-1023, 1024),
  array: range,
  'max-running': whole(1),
  restart: oneOf('always', 'on-failure'),
  'check-interval': span,
  'check-timeout': span,
  'check-threshold': whole(1),
  silence: span,
  'stop-signal': signalName,
  grace: span,
  'warn-signal': signalName,
  'warn-before': span,
  'on-partition': oneOf('stop', 'keep'),
}

/** How long `wait: true` waits, as the framework does. */
const defaultWaitMs = 600_000

export type Key = keyof typeof keys
/** What a file says of one job, by key. */
export type Said = {
  -readonly [K in Key]?: (typeof keys)[K] extends Type<infer T> ? T : never
}
/** The same as YAML writes it. */
export type Written = { [K in Key]?: unknown }

export function written(said: Said): Written {
  return Object.fromEntries(
    (Object.keys(keys) as Key[])
      .filter((key) => said[key] !== undefined)
      .map((key) => [key, (keys[key] as Type<unknown>).write(said[key])]),
  )
}

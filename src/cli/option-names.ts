/** Options by the fields of a request that they say: the scheduler names fields, people typed options. */

const options: Readonly<Record<string, string>> = {
  cpuCores: '--cpu',
  memBytes: '--mem',
  timeMs: '--time',
  secretEnv: '--secret-env',
  maxRunning: '--max-running',
  resources: '--resource',
  beginAt: '--begin',
  'check.intervalMs': '--check-interval',
  'check.timeoutMs': '--check-timeout',
  'check.threshold': '--check-threshold',
  'check.probe.url': '--check-http',
  'check.probe.argv': '--check-command',
  silenceMs: '--silence',
  'stop.signal': '--stop-signal',
  'stop.graceMs': '--grace',
  'warn.signal': '--warn-signal',
  'warn.beforeMs': '--warn-before',
  onPartition: '--on-partition',
  check: 'its check',
  stop: 'how it is stopped',
  warn: 'its warning',
  command: 'its command',
  notes: 'its notes',
}

/** Of a field that an edit changed. */
export const optionOf = (field: string): string => options[field] ?? `--${field}`

/** A refusal of `invalid` in which fields are named, alone or of a schedule's job: `memBytes must be …`. */
export const inOptions = (sentence: string): string =>
  sentence.replaceAll(
    /(^|; )(?:job\.)?([\w.]+)(?= (?:must|is not well formed:|has a NUL) )/g,
    (all, before: string, field: string) =>
      options[field]?.startsWith('--') === true ? `${before}${options[field]}` : all,
  )

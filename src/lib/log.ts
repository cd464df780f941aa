/** Logs are facts with fixed field names; pino writes them as JSON lines to stderr or a file. */
import { pino } from 'pino'

export type Facts = {
  event: string
  node?: string
  task?: string
  epoch?: number
  run?: number
  job?: number
  owner?: string
  schedule?: string
  error?: string
  detail?: string
  ms?: number
  count?: number
}
export type Log = { info(facts: Facts): void; warn(facts: Facts): void; error(facts: Facts): void }

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** Log of one daemon; `destination` is a path, or stderr when left out. */
export function openLog(daemon: string, destination?: string): Log {
  const target =
    destination === undefined
      ? pino.destination(2)
      : pino.destination({ dest: destination, mkdir: true, sync: false })
  // A log that cannot be written (its disk is full) ends no daemon.
  target.on('error', () => {})
  const logger = pino({ base: { daemon }, timestamp: pino.stdTimeFunctions.isoTime }, target)
  return {
    info: (facts) => logger.info(facts),
    warn: (facts) => logger.warn(facts),
    error: (facts) => logger.error(facts),
  }
}

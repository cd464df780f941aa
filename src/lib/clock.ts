/** Time as a port: the daemons get it handed in, the simulation hands in a virtual one. */

export type Cancel = () => void

export type Clock = {
  /** Wall clock, milliseconds since 1970; may step. */
  now(): number
  /** Milliseconds that only rise, also while the machine sleeps (/proc/uptime): for leases and intervals. */
  uptime(): number
  /** Calls once after `delayMs` of uptime. */
  after(delayMs: number, call: () => void): Cancel
}

/** Of a call that was never arranged. */
export const noCancel: Cancel = () => {}

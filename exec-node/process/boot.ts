/** Facts about this machine and the present boot, and the identity of processes within it. */
import { uptime } from '../../src/lib/real-clock.ts'
import { readIfAllowed, readSmall } from './kernel-file.ts'

export const bootId: string = (readSmall('/proc/sys/kernel/random/boot_id') ?? 'unknown').trim()

export function machineId(): string | null {
  return readIfAllowed('/etc/machine-id')?.trim() || null
}

/** Identity of the board, or of the virtual machine: a clone has another, while it shares all that is on disk. */
export function hardwareId(): string | null {
  return readIfAllowed('/sys/class/dmi/id/product_uuid')?.trim().toLowerCase() || null
}

/** Counts on while the machine sleeps: the clock of leases and deadlines. */
export function uptimeMs(): number {
  return Math.round(uptime())
}

export type ProcessStat = {
  pid: number
  name: string
  state: string
  /** False for a zombie; of one that only lost its first thread the others go on, though its state is the same. */
  lives: boolean
  parent: number
  session: number
  cpuTicks: number
  /** Clock ticks from boot to the start of the process; with pid and boot id its identity. */
  startTicks: number
}

export function processStat(pid: number): ProcessStat | null {
  const text = readIfAllowed(`/proc/${pid}/stat`)
  const end = text?.lastIndexOf(')') ?? -1
  if (!text || end < 0) return null
  const rest = text.slice(end + 2).split(' ')
  const field = (index: number) => Number(rest[index - 3])
  return {
    pid,
    name: text.slice(text.indexOf('(') + 1, end),
    state: rest[0] ?? '?',
    lives: rest[0] !== 'Z' || field(20) > 1,
    parent: field(4),
    session: field(6),
    cpuTicks: field(14) + field(15),
    startTicks: field(22),
  }
}

/** `uid`: of the account that no process of the session can leave; null where it could. */
export type Session = { id: number; uid: number | null }

/** The session that a process leads or led: while any of it is left, its number is given to nobody else. */
export function sessionOf(pid: number, startTicks: number, uid: number | null): Session | null {
  const stat = processStat(pid)
  return stat === null || stat.startTicks === startTicks ? { id: pid, uid } : null
}

/**
 * Proof that a process in a session of that number is of no run, so that the session is a later one: it may gain rights,
 * as nothing of a run may for good, or has another account and no user namespace in which it could have changed it.
 */
export function isStranger(pid: number, { id, uid }: Session): boolean {
  const status = readIfAllowed(`/proc/${pid}/status`) ?? ''
  const real = status.match(/\nUid:\t(\d+)/)?.[1]
  const isElse = uid !== null && real !== undefined && Number(real) !== uid
  if (!status.includes('\nNoNewPrivs:\t0\n') && !(isElse && isMappedAsWe(pid))) return false
  // The number of a process that ended meanwhile may be somebody else's now.
  return processStat(pid)?.session === id
}

function isMappedAsWe(pid: number): boolean {
  const map = readIfAllowed(`/proc/${pid}/uid_map`)
  return map !== null && map === readIfAllowed('/proc/self/uid_map')
}

/** True while the very process that was recorded lives: a number used again is another process. */
export function isSameProcess(pid: number, startTicks: number): boolean {
  const stat = processStat(pid)
  return stat !== null && stat.startTicks === startTicks && stat.lives
}

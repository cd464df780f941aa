/** Causes in words, for people: the one place that words them. */
import type { Cause } from './cause.ts'
import { formatDuration, formatSize } from './resources.ts'

export function causeText(cause: Cause): string {
  switch (cause.kind) {
    case 'exit':
      return `exit ${cause.code}`
    case 'signal':
      return `ended by ${cause.signal}`
    case 'out-of-memory':
      return outOfMemoryText(cause)
    case 'time-limit':
      return `ran into its time limit of ${formatDuration(cause.limitMs)}`
    case 'cancelled':
      return `stopped by ${cause.by}${because(cause.why)}`
    case 'restarted':
      return `restarted by ${cause.by}${because(cause.why)}`
    case 'drained':
      return `taken off ${cause.node} by a drain${because(cause.why)}`
    case 'node-lost':
      return cause.why === '' ? `node ${cause.node} was lost` : cause.why
    case 'lease-expired':
      return `ended itself because ${cause.node} was cut off from the scheduler`
    case 'unhealthy':
      return `failed its ${cause.check} check: ${cause.detail}`
    case 'could-not-start':
      return `could not start: ${cause.call} ${cause.detail}: ${errorText(cause.error)}`
    case 'dependency-failed':
      return cause.detail
    case 'outcome-unknown':
      return `outcome unknown: ${cause.detail}`
    default:
      return cause satisfies never
  }
}

/** Errors of system calls that owners meet, as they know them from their shell. */
const errors: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  ENOEXEC: 'not a program that can be run',
  E2BIG: 'arguments and environment are too long',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'disk quota exceeded',
  EROFS: 'the file system is read-only',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  ENXIO: 'nobody reads from it',
}
const errorText = (code: string): string => {
  const text = errors[code]
  return text === undefined ? code : `${text} (${code})`
}

const because = (why: string): string => (why === '' ? '' : `: ${why}`)

function outOfMemoryText(cause: Extract<Cause, { kind: 'out-of-memory' }>): string {
  const victim = cause.victim === null ? '' : ` (${cause.victim})`
  const limit =
    cause.limitBytes === null ? 'its memory limit' : `its limit of ${formatSize(cause.limitBytes)}`
  const peak = cause.peakBytes === null ? '' : `, peak ${formatSize(cause.peakBytes)}`
  return `out of memory${victim}: ${limit}${peak}`
}

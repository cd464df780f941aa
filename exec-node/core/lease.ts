/** The node's right to run what was placed on it: how it is renewed, and what its end asks for. */
import type { LeaseTerms } from '../../proto/sync.ts'

/** Uptimes in ms. `none`: no scheduler has answered since this machine was started. */
export type Lease =
  | { kind: 'none' }
  | { kind: 'endless' }
  | {
      kind: 'until'
      terms: LeaseTerms
      termAtUptimeMs: number
      killAtUptimeMs: number
      endAtUptimeMs: number
    }

/** What the spool keeps: a lease counts only in the boot that it was given in. */
export type KeptLease = { bootId: string; lease: Lease }

const noLease: Lease = { kind: 'none' }

/** Counted from when the report was sent: the scheduler counts from when it arrived, never earlier. */
export function grantedBy(terms: LeaseTerms | null, sentAtUptimeMs: number): Lease {
  if (terms === null) return { kind: 'endless' }
  return {
    kind: 'until',
    terms,
    termAtUptimeMs: sentAtUptimeMs + terms.termMs,
    killAtUptimeMs: sentAtUptimeMs + terms.killMs,
    endAtUptimeMs: sentAtUptimeMs + terms.endMs,
  }
}

/**
 * A refused connection proves that no scheduler judges now, and one that starts waits out every grant. Past
 * the term it renews nothing: work was stopped by then, and may have been placed elsewhere before.
 */
export function renewedByRefusal(lease: Lease, sentAtUptimeMs: number): Lease {
  if (lease.kind !== 'until' || sentAtUptimeMs >= lease.termAtUptimeMs) return lease
  return grantedBy(lease.terms, sentAtUptimeMs)
}

export function afterStart(kept: KeptLease | null, bootId: string): Lease {
  return kept === null || kept.bootId !== bootId ? noLease : kept.lease
}

/** May a single-copy run start now? */
export function allowsStart(lease: Lease, uptimeMs: number): boolean {
  return lease.kind === 'endless' || (lease.kind === 'until' && uptimeMs < lease.termAtUptimeMs)
}

/** What the lease asks of single-copy placements: nothing, to be gone in so many ms, or to be killed. */
export function overdue(
  lease: Lease,
  uptimeMs: number,
): { leftMs: number; atMostMs: number } | null {
  if (lease.kind !== 'until' || uptimeMs < lease.termAtUptimeMs) return null
  const leftMs = Math.max(0, lease.killAtUptimeMs - uptimeMs)
  return { leftMs, atMostMs: leftMs === 0 ? 0 : lease.killAtUptimeMs - lease.termAtUptimeMs }
}

/** When the lease next asks for something; null: never. */
export function nextDeadline(lease: Lease, uptimeMs: number): number | null {
  if (lease.kind !== 'until') return null
  if (uptimeMs < lease.termAtUptimeMs) return lease.termAtUptimeMs
  return uptimeMs < lease.killAtUptimeMs ? lease.killAtUptimeMs : null
}

export const termsInForce = (lease: Lease): LeaseTerms | null =>
  lease.kind === 'until' ? lease.terms : null

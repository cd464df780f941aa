/**
 * Judging a node by its lease, from this side: when it is silent, and when everything that had to stop there
 * has provably stopped. All times are milliseconds of this machine's uptime, which does not step.
 */
import type { LeaseTerms } from '../../proto/sync.ts'

export type LeaseSettings = {
  reportEveryMs: number
  silentAfterMs: number
  terms: LeaseTerms
  /** A gap between two judgements that means that reports may lie unread. */
  stallMs: number
}

export const defaultLease: LeaseSettings = {
  reportEveryMs: 5_000,
  silentAfterMs: 20_000,
  terms: { termMs: 240_000, killMs: 270_000, endMs: 300_000 },
  stallMs: 5_000,
}

/** What may still be in force on the node: the longest grant that it could hold, or `endless`. */
export type Outstanding = { kind: 'none' } | { kind: 'endless' } | { kind: 'until'; endMs: number }

export type LeaseFacts = {
  /** When its last counted report arrived; null if none since this scheduler began to judge. */
  heardAt: number | null
  outstanding: Outstanding
  settings: LeaseSettings
  /** When judging began, or began anew after a stall. */
  judgingSince: number
  /** Not judged without an operator: it last spoke to another machine, address or database. */
  suspended: boolean
}

export type LeaseVerdict = 'up' | 'silent' | 'over'

export function judgeLease(facts: LeaseFacts, uptime: number): LeaseVerdict {
  const since = Math.max(facts.heardAt ?? facts.judgingSince, facts.judgingSince)
  const quietMs = uptime - since
  if (quietMs < facts.settings.silentAfterMs) return 'up'
  if (facts.suspended || facts.outstanding.kind === 'endless') return 'silent'
  // Strictly after: the node stops at its deadline, and clocks of two machines run at slightly different speeds.
  const endMs =
    facts.outstanding.kind === 'none' ? facts.settings.terms.endMs : facts.outstanding.endMs
  return quietMs > endMs ? 'over' : 'silent'
}

/** What may be in force after the node is told `granted`: the longest of both until it says which it holds. */
export function afterGrant(before: Outstanding, granted: LeaseTerms | null): Outstanding {
  if (granted === null || before.kind === 'endless') return { kind: 'endless' }
  const endMs = before.kind === 'until' ? Math.max(before.endMs, granted.endMs) : granted.endMs
  return { kind: 'until', endMs }
}

/**
 * What may be in force when a report was sent. The agent sends one report at a time and takes no late answers,
 * so what it holds in its newest report is all that is left of earlier grants. Not so in the first report of a
 * session: an agent that was killed may have written a lease that it does not remember.
 */
export function afterReport(
  before: Outstanding,
  report: { terms: LeaseTerms | null; isFirstOfSession: boolean; holdsNone: boolean },
): Outstanding {
  // Nothing survives a boot, and an agent that no scheduler ever answered has nothing either.
  if (report.holdsNone) return { kind: 'none' }
  const held = report.terms
  if (!report.isFirstOfSession || before.kind === 'none')
    return held === null ? { kind: 'endless' } : { kind: 'until', endMs: held.endMs }
  return afterGrant(before, held)
}

/** Terms for a grid of so many nodes: alone, a node has nobody to take over from it. */
export function termsFor(nodes: number, settings: LeaseSettings): LeaseTerms | null {
  return nodes > 1 ? settings.terms : null
}

/** When a machine spoke: by its own uptime, and by that of this one. */
export type Heard = { saidUptimeMs: number; heardAt: number }

/** Another boot than the known one, since it first spoke; `beside`: when the known one first spoke after that. */
export type OtherBoot = Heard & {
  beside: Heard | null
  /** The known one lives now, though this one has spoken. */
  isBeside: boolean
  /** Both live now: they are two machines, whatever else they say. */
  isTwin: boolean
}

export const otherBoot = (now: Heard): OtherBoot => ({
  ...now,
  beside: null,
  isBeside: false,
  isTwin: false,
})

/** The known boot has spoken. What came late of one that is over does not come for as long as makes a node silent. */
export function heardBeside(other: OtherBoot, now: Heard, settings: LeaseSettings): OtherBoot {
  const { beside, isBeside } = other
  if (beside === null) return { ...other, beside: now }
  const isLong = now.heardAt - beside.heardAt >= settings.silentAfterMs
  return { ...other, isBeside: isBeside || (isLong && livesNow(beside, now)) }
}

/** The other boot has spoken again. */
export function heardAgain(other: OtherBoot, now: Heard): OtherBoot {
  return { ...other, isTwin: other.isTwin || (other.isBeside && livesNow(other, now)) }
}

/**
 * Reports of a machine that come as far apart here as they say that they were sent are of one that runs
 * now. What lay in a buffer while this scheduler stood still comes all at once, and may be of the boot before.
 */
export function livesNow(first: Heard, then: Heard): boolean {
  const saidMs = then.saidUptimeMs - first.saidUptimeMs
  return saidMs >= 1_000 && then.heardAt - first.heardAt >= saidMs / 2
}

/** A new boot proves that all old processes are gone, if it is the same machine and booted during the silence. */
export function bootProves(
  before: { bootId: string; machineId: string },
  now: { bootId: string; machineId: string; uptimeMs: number },
  quietMs: number,
): boolean {
  return (
    before.bootId !== now.bootId &&
    before.machineId === now.machineId &&
    now.uptimeMs < quietMs + 1000
  )
}

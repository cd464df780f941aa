/** What every part of the brain works with. */
import type { Refusal } from '../../proto/errors.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import type { AdmissionLimits } from '../core/admission.ts'
import type { BreakerSettings } from '../core/breaker.ts'
import type { ClockState } from '../core/cron/clock-guard.ts'
import type { LeaseSettings } from '../core/lease.ts'
import type { BuiltIn, QuotaBook } from '../core/quota.ts'
import type { RequestRates } from '../core/rate.ts'
import type { GridState } from '../state/grid.ts'
import type { LiveJob } from '../state/live-job.ts'
import type { EventRow } from '../store/change.ts'
import type { Store } from '../store/store.ts'
import type { Journal } from './journal.ts'
import type { OrderDesk } from './order-desk.ts'

export type BrainSettings = {
  limits: AdmissionLimits
  /** What each owner may have where nobody has said anything else. */
  quota: BuiltIn
  /** In which half of what an owner used is forgotten. */
  shareHalfLifeMs: number
  /** Of a unix group; none where there is no such group. */
  groupMembers: (group: string) => Promise<readonly string[]>
  lease: LeaseSettings
  breaker: BreakerSettings
  /** Between two ticks at least. */
  tickGapMs: number
  /** Tasks of lost nodes that are placed again per second. */
  replacedPerSecond: number
  keepFinishedMs: number
  keepEventsMs: number
  version: string
  /** Machine and address of this scheduler: where a node's refused connections come from. */
  place: string
  /** Owners whose jobs are refused, with the sentence that says why and what to do. */
  refuseOwner: (owner: string) => { detail: string; hint: string } | null
  /** Left out where there is no machine to ask. */
  accounts?: AccountsOfMachine
}

export type AccountsOfMachine = {
  /** The account that runs the grid: its first manager. */
  maker: string
  /** Null: the machine has an account of that name. */
  problemOf: (account: string) => Promise<Refusal | null>
  /** The same for a unix group. */
  problemOfGroup: (group: string) => Promise<Refusal | null>
}

/** Uptime from which on silence counts, null while it does not; when nodes were last judged. */
export type Judging = { since: number | null; lookedAt: number | null }

export type BrainContext = {
  readonly state: GridState
  readonly journal: Journal
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly settings: BrainSettings
  readonly orders: OrderDesk
  readonly judging: Judging
  readonly quotas: QuotaBook
  readonly rates: RequestRates
  /** Calls of those who wait for a job's end. */
  readonly finishWaiters: Map<number, Set<(job: LiveJob) => void>>
  /** Jobs whose end has yet to be told to those that wait for it. */
  readonly endings: { job: LiveJob; dependents: readonly number[] }[]
  /** What follows from an end, wired by the brain: tasks end jobs, jobs end firings, and firings start tasks. */
  readonly follow: { jobOver(job: LiveJob): void; firingOver(job: LiveJob): void }
  /** Short: the disk is full, and only its reserve is left. */
  readonly room: { isShort: boolean }
  /** Whether schedules may follow the wall clock now. */
  readonly wallClock: { guard: ClockState }
  /** Asks for a tick soon. */
  wake(): void
}

/** With `at` where it is known to have happened earlier than now. */
type EventFacts = Partial<Omit<EventRow, 'id' | 'what' | 'detail'>>

/** Writes one entry of the timeline; committed with the change it tells of. */
export function note(ctx: BrainContext, what: string, detail: string, about: EventFacts): void {
  ctx.state.lastEvent += 1
  ctx.journal.event({
    id: ctx.state.lastEvent,
    at: about.at ?? ctx.clock.now(),
    what,
    job: about.job ?? null,
    task: about.task ?? null,
    node: about.node ?? null,
    schedule: about.schedule ?? null,
    owner: about.owner ?? null,
    by: about.by ?? null,
    detail,
  })
}

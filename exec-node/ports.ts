/** What the agent needs from outside, as ports: the simulation hands in fakes of all of them. */
import type { Cause } from '../proto/cause.ts'
import type { Refusal } from '../proto/errors.ts'
import type { NodeFacts, ProbeReport } from '../proto/node.ts'
import type {
  Answer,
  Ask,
  Order,
  OrderLine,
  Report,
  ReportReply,
  Revision,
  RunReport,
} from '../proto/sync.ts'
import type { Clock } from '../src/lib/clock.ts'
import type { Log } from '../src/lib/log.ts'
import type { KeptLease } from './core/lease.ts'
import type { PlacementKey, PlacementRecord } from './core/record.ts'
import type {
  CheckResult,
  LeaseRecord,
  RunDriver,
  RunFacts,
  RunPlan,
} from './process/run-driver.ts'

export type ReportOutcome =
  | { kind: 'answered'; reply: ReportReply }
  /** The host answered that nobody listens there: no scheduler judges now. */
  | { kind: 'refused-connection' }
  /** The scheduler answered that its store cannot be written. */
  | { kind: 'judges-nobody'; detail: string }
  | { kind: 'failed'; detail: string }
  | { kind: 'rejected'; refusal: Refusal }

export type OrderHandlers = { line(line: OrderLine): void; closed(reason: string): void }

export type SchedulerLink = {
  report(report: Report): Promise<ReportOutcome>
  /** Opens the stream; `closed` is called once at its end, not after `close()`. */
  orders(handlers: OrderHandlers): { close(): void }
  answer(id: string, answer: Answer): Promise<void>
}

export type KeptState = {
  format: 1
  grid: string | null
  revision: Revision | null
  lease: KeptLease | null
  /** Boot in which a report was last answered. */
  answeredBootId: string | null
}

export type Loaded = {
  state: KeptState | null
  placements: PlacementRecord[]
  damaged: { name: string; detail: string }[]
}

/** What survives the agent. Each promise resolves when the thing would be found by the next agent. */
export type Spool = {
  load(): Promise<Loaded>
  save(record: PlacementRecord): Promise<void>
  remove(key: PlacementKey): Promise<void>
  saveState(state: KeptState): Promise<void>
  writeLease(lease: LeaseRecord): Promise<void>
}

export type HealthSource = { reports(): ProbeReport[] }

export type OutputSource = {
  answer(ask: Ask): Promise<Answer>
  /** The last bytes of a run that is over; null where there is nothing to tell or nobody may read it. */
  tail(order: Order, seen: RunFacts): Promise<RunReport['tail']>
}

export type Planned =
  | { ok: true; plan: RunPlan }
  | { ok: false; cause: Cause }
  /** A passing failure that says nothing about the run. */
  | { ok: false; cause: null; detail: string }

export type AgentPorts = {
  clock: Clock
  random: () => number
  log: Log
  driver: RunDriver
  link: SchedulerLink
  spool: Spool
  health: HealthSource
  output: OutputSource
  planRun(order: Order, run: number): Promise<Planned>
  /** Asks as the owner of the job. */
  checkHttp(url: string, timeoutMs: number, owner: string): Promise<CheckResult>
}

export type AgentOptions = {
  node: string
  /** Names this start of the agent. */
  session: string
  facts: NodeFacts
  reportMs: number
  /** Changes are gathered so long before they are reported. */
  gatherMs: number
  /** A report without an answer counts as failed after so long. */
  reportTimeoutMs: number
  pollMs: number
  /** Off where something on the way may answer in the scheduler's place. */
  refusalRenews: boolean
  /** What became of each report; `taken`: it was answered by the grid that this node is of. */
  onReport?: ((outcome: ReportOutcome, taken: boolean) => void) | undefined
}

export const agentDefaults = {
  reportMs: 5_000,
  gatherMs: 5,
  reportTimeoutMs: 8_000,
  pollMs: 15_000,
  refusalRenews: true,
}

/** Holds the lease and the rest of what the node knows of its grid; on disk before anything relies on it. */
import type { LeaseTerms, Revision } from '../proto/sync.ts'
import { noCancel, type Cancel } from '../src/lib/clock.ts'
import { afterStart, grantedBy, nextDeadline, overdue, renewedByRefusal } from './core/lease.ts'
import type { Lease } from './core/lease.ts'
import type { AgentPorts, KeptState } from './ports.ts'
import type { LeaseRecord } from './process/run-driver.ts'

const nothingKept: KeptState = {
  format: 1,
  grid: null,
  revision: null,
  lease: null,
  answeredBootId: null,
}

export class LeaseKeeper {
  state: KeptState = nothingKept
  lease: Lease = { kind: 'none' }
  /** Rises when a lease begins that does not go on from the one before: orders of before may be void. */
  period = 0
  readonly #ports: Pick<AgentPorts, 'clock' | 'spool'>
  readonly #bootId: string
  #cancel: Cancel = noCancel
  #writing: Promise<void> = Promise.resolve()
  /** Called when the lease asks something of the placements, or allows again what it did not. */
  onTurn: () => void = () => {}
  /** Ends for good what ran out of lease: done before a new lease can hide that it did. */
  onOverdue: () => Promise<void> = async () => {}

  constructor(ports: Pick<AgentPorts, 'clock' | 'spool'>, bootId: string) {
    this.#ports = ports
    this.#bootId = bootId
  }

  async begin(kept: KeptState | null): Promise<void> {
    this.state = kept ?? nothingKept
    this.lease = afterStart(this.state.lease, this.#bootId)
    // What the fences read may be of an earlier boot, or longer than what we are about to say that we hold.
    // A full disk keeps no agent from starting: nothing new runs before a lease has been written.
    await this.#ports.spool.writeLease(this.#line(this.lease)).catch(() => {})
    this.#arm()
  }

  get answered(): boolean {
    return this.state.answeredBootId === this.#bootId
  }

  get isOverdue(): boolean {
    return overdue(this.lease, this.#ports.clock.uptime()) !== null
  }

  async grant(terms: LeaseTerms | null, sentAtUptimeMs: number): Promise<void> {
    await this.#install(grantedBy(terms, sentAtUptimeMs), this.#bootId)
  }

  async renewByRefusal(sentAtUptimeMs: number): Promise<void> {
    const next = renewedByRefusal(this.lease, sentAtUptimeMs)
    if (next !== this.lease) await this.#install(next, this.state.answeredBootId)
  }

  async know(known: { grid?: string; revision?: Revision }): Promise<void> {
    await this.#save(() => ({ ...this.state, ...known }))
  }

  close(): void {
    this.#cancel()
  }

  async #install(lease: Lease, answeredBootId: string | null): Promise<void> {
    const kept = { bootId: this.#bootId, lease }
    const woken = this.lease.kind === 'none' || this.isOverdue
    await this.#ports.spool.writeLease(this.#line(lease))
    await this.#save(() => ({ ...this.state, lease: kept, answeredBootId }))
    if (this.isOverdue) await this.onOverdue()
    this.lease = lease
    if (woken) this.period += 1
    this.#arm()
    if (woken) this.onTurn()
  }

  /** One after the other, so that an older state never overwrites a newer one. */
  #save(next: () => KeptState): Promise<void> {
    const saved = this.#saveAfter(this.#writing, next)
    this.#writing = saved.catch(() => {})
    return saved
  }

  async #saveAfter(before: Promise<void>, next: () => KeptState): Promise<void> {
    await before
    const state = next()
    await this.#ports.spool.saveState(state)
    this.state = state
  }

  #line(lease: Lease): LeaseRecord {
    if (lease.kind === 'endless') return { kind: 'endless' }
    const bootId = this.#bootId
    if (lease.kind === 'none') {
      return { kind: 'until', bootId, termAtUptimeMs: 0, killAtUptimeMs: 0 }
    }
    const { termAtUptimeMs, killAtUptimeMs } = lease
    return { kind: 'until', bootId, termAtUptimeMs, killAtUptimeMs }
  }

  #arm(): void {
    this.#cancel()
    const uptimeMs = this.#ports.clock.uptime()
    const at = nextDeadline(this.lease, uptimeMs)
    if (at === null) return
    this.#cancel = this.#ports.clock.after(at - uptimeMs, () => {
      this.onTurn()
      this.#arm()
    })
  }
}

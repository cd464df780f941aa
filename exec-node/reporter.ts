/** The report loop: one in flight at a time, at a fixed pace and soon after news; level-triggered. */
import {
  protocolVersion,
  type PlacementReport,
  type Report,
  type ReportReply,
} from '../proto/sync.ts'
import { noCancel, type Cancel } from '../src/lib/clock.ts'
import { words } from './act.ts'
import { termsInForce } from './core/lease.ts'
import { isEnded } from './core/record.ts'
import { fitted } from './core/report-size.ts'
import type { Entry } from './entry.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import type { Placements } from './placements.ts'
import type { AgentOptions, AgentPorts, ReportOutcome } from './ports.ts'
import { UsageWatch } from './usage-watch.ts'

/** After a report without an answer the next one comes sooner than usual. */
const retryMs = 1_000

export class Reporter {
  readonly #ports: AgentPorts
  readonly #options: AgentOptions
  readonly #lease: LeaseKeeper
  readonly #placements: Placements
  readonly #usage: UsageWatch
  /** Since the last full report: the version that was told whole, and in which report. */
  #whole = new WeakMap<Entry, { version: number; sequence: number }>()
  #usageAt = Number.NEGATIVE_INFINITY
  #everyMs: number
  #sequence = 0
  #needFull = true
  #busy = false
  #again = false
  #closed = false
  #failing = ''
  #nextAtUptimeMs = Number.POSITIVE_INFINITY
  #cancel: Cancel = noCancel
  onAnswered: () => void = () => {}

  constructor(
    ports: AgentPorts,
    options: AgentOptions,
    lease: LeaseKeeper,
    placements: Placements,
  ) {
    this.#ports = ports
    this.#options = options
    this.#everyMs = options.reportMs
    this.#lease = lease
    this.#placements = placements
    this.#usage = new UsageWatch(ports.driver)
  }

  /** There is news: told within the gathering time, or as soon as the report in flight is answered. */
  soon(): void {
    this.#again = true
    if (!this.#busy) this.#in(this.#options.gatherMs)
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  #in(delayMs: number): void {
    if (this.#closed) return
    const at = this.#ports.clock.uptime() + delayMs
    if (at >= this.#nextAtUptimeMs) return
    this.#cancel()
    this.#nextAtUptimeMs = at
    this.#cancel = this.#ports.clock.after(delayMs, () => void this.#exchange())
  }

  async #exchange(): Promise<void> {
    this.#nextAtUptimeMs = Number.POSITIVE_INFINITY
    this.#busy = true
    this.#again = false
    const sentAt = this.#ports.clock.uptime()
    let answered = false
    try {
      answered = await this.#once(sentAt)
    } catch (error) {
      this.#needFull = true
      this.#ports.log.error({ event: 'report-broke', error: words(error) })
    }
    this.#busy = false
    const { gatherMs } = this.#options
    const usualMs = Math.max(gatherMs, sentAt + this.#everyMs - this.#ports.clock.uptime())
    if (answered) this.#in(this.#again ? gatherMs : usualMs)
    else this.#in(Math.min(this.#everyMs, retryMs * (1 + this.#ports.random() / 2)))
  }

  async #once(sentAt: number): Promise<boolean> {
    if (this.#lease.isOverdue) {
      // The scheduler may have given the work away: it must hear of all that is here.
      this.#needFull = true
      await this.#placements.expire()
    }
    const report = this.#build(sentAt)
    const outcome = await this.#send(report)
    this.#tell(outcome)
    if (outcome.kind === 'answered' && this.#isOurs(outcome.reply)) {
      this.#needFull = outcome.reply.wantFull
      if (outcome.reply.wantFull) this.#again = true
      if (outcome.reply.wantFull) this.#usage.forget()
      this.#usage.told(report.usages ?? [])
      this.#lookAtUsage(sentAt)
      // Before what it writes: the scheduler has taken it, also where the disk takes nothing.
      this.#options.onReport?.(outcome, true)
      await this.#take(outcome.reply, sentAt)
      return true
    }
    this.#needFull = true
    this.#options.onReport?.(outcome, false)
    const nobodyJudges =
      outcome.kind === 'judges-nobody' ||
      (outcome.kind === 'refused-connection' && this.#options.refusalRenews)
    if (nobodyJudges) await this.#lease.renewByRefusal(sentAt)
    return false
  }

  #build(sentAt: number): Report {
    const { node, session, facts } = this.#options
    const full = this.#needFull
    this.#sequence += 1
    const entries = [...this.#placements.entries]
    const isNews = ({ record, onDisk }: Entry) =>
      onDisk && (record.version > record.ackedVersion || isEnded(record))
    if (full) this.#whole = new WeakMap()
    // An end that the scheduler does not take yet is told again and again: what it has not heard goes before.
    const told = full
      ? entries
      : entries.filter(isNews).toSorted((a, b) => this.#wholeIn(a) - this.#wholeIn(b))
    const placements = fitted(
      told.map((entry) => entry.record),
      full,
    )
    this.#noteWhole(placements)
    if (told.some((entry) => this.#wholeIn(entry) === 0)) this.#again = true
    return {
      protocol: protocolVersion,
      node,
      grid: this.#lease.state.grid,
      session,
      sequence: this.#sequence,
      uptimeMs: Math.floor(sentAt),
      facts,
      full,
      revision: this.#lease.state.revision,
      terms: termsInForce(this.#lease.lease),
      placements: full ? this.#withUnsaved(placements) : placements,
      oddities: this.#placements.strangers.oddities(),
      health: this.#ports.health.reports(),
      ...(this.#usage.news.length > 0 ? { usages: [...this.#usage.news] } : {}),
    }
  }

  /** The report in which it was told as it is now; 0 where it was not. */
  #wholeIn(entry: Entry): number {
    const whole = this.#whole.get(entry)
    return whole?.version === entry.record.version ? whole.sequence : 0
  }

  #noteWhole(placements: readonly PlacementReport[]): void {
    for (const { task, epoch, version, part } of placements) {
      const entry = part === true ? undefined : this.#placements.get(task, epoch)
      if (entry) this.#whole.set(entry, { version, sequence: this.#sequence })
    }
  }

  /** A scheduler that does not know of an order must hear of it before it can begin. */
  #withUnsaved(placements: PlacementReport[]): PlacementReport[] {
    return placements.map((placement) => {
      const entry = this.#placements.get(placement.task, placement.epoch)
      return entry?.onDisk === false ? { ...placement, unsaved: true } : placement
    })
  }

  /** At the pace of the reports, however many there are because of news. */
  #lookAtUsage(now: number): void {
    if (now - this.#usageAt < this.#options.reportMs * 0.9) return
    this.#usageAt = now
    void this.#usage.look(this.#placements.entries)
  }

  /** A report whose answer never comes must not keep the next one waiting; its late answer is nothing. */
  #send(report: Report): Promise<ReportOutcome> {
    return new Promise((resolve) => {
      const cancel = this.#ports.clock.after(this.#options.reportTimeoutMs, () =>
        resolve({ kind: 'failed', detail: 'no answer in time' }),
      )
      const settle = (outcome: ReportOutcome) => {
        cancel()
        resolve(outcome)
      }
      this.#ports.link
        .report(report)
        .then(settle, (error) => settle({ kind: 'failed', detail: words(error) }))
    })
  }

  #isOurs(reply: ReportReply): boolean {
    const { grid, revision } = this.#lease.state
    const { log } = this.#ports
    if (grid !== null && reply.grid !== grid) {
      log.error({ event: 'other-grid-answered', detail: `${reply.grid}, this node is of ${grid}` })
      return false
    }
    if (revision === null || reply.incarnation >= revision.incarnation) return true
    log.error({ event: 'older-database-answered', detail: `incarnation ${reply.incarnation}` })
    return false
  }

  /** Answers first: a renewed lease must not let run what the scheduler just said to stop. */
  async #take(reply: ReportReply, sentAt: number): Promise<void> {
    if (this.#lease.state.grid === null) await this.#lease.know({ grid: reply.grid })
    await this.#placements.answers(reply.answers)
    await this.#lease.grant(reply.terms, sentAt)
    this.#everyMs = reply.reportEveryMs ?? this.#options.reportMs
    this.onAnswered()
  }

  /** Once per change: a scheduler that is away for a night is one line. */
  #tell(outcome: ReportOutcome): void {
    const detail =
      outcome.kind === 'failed' || outcome.kind === 'judges-nobody'
        ? outcome.detail
        : outcome.kind === 'rejected'
          ? outcome.refusal.detail
          : ''
    const now = outcome.kind === 'answered' ? '' : `${outcome.kind} ${detail}`
    if (now === this.#failing) return
    this.#failing = now
    if (now === '') this.#ports.log.info({ event: 'scheduler-answers-again' })
    else this.#ports.log.warn({ event: 'report-without-answer', detail: now })
  }
}

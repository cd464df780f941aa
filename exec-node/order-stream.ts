/** The stream of orders: kept open, applied in order, begun anew after a gap. */
import type { OrderLine } from '../proto/sync.ts'
import { noCancel, type Cancel } from '../src/lib/clock.ts'
import { words } from './act.ts'
import { judgeLine } from './core/reconcile.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import type { Placements } from './placements.ts'
import type { AgentPorts } from './ports.ts'

const firstRetryMs = 250
const lastRetryMs = 10_000
const asksAtOnce = 16

type Asked = Extract<OrderLine, { kind: 'ask' }>
type List = Extract<OrderLine, { kind: 'full' | 'diff' }>

export class OrderStream {
  readonly #ports: AgentPorts
  readonly #lease: LeaseKeeper
  readonly #placements: Placements
  #stream: { close(): void } | null = null
  /** Lines of a stream that was left behind are dropped. */
  #generation = 0
  /** The lease under which the stream was opened. */
  #period = 0
  #failures = 0
  #asks = 0
  #work: Promise<void> = Promise.resolve()
  #cancel: Cancel = noCancel
  #closed = false
  onReportNow: () => void = () => {}

  constructor(ports: AgentPorts, lease: LeaseKeeper, placements: Placements) {
    this.#ports = ports
    this.#lease = lease
    this.#placements = placements
  }

  open(): void {
    if (this.#closed || this.#lease.isOverdue) return
    if (this.#stream !== null && this.#period === this.#lease.period) return
    this.#stream?.close()
    this.#cancel()
    this.#period = this.#lease.period
    this.#generation += 1
    const generation = this.#generation
    const isCurrent = () => generation === this.#generation && !this.#closed
    this.#stream = this.#ports.link.orders({
      line: (line) => {
        if (isCurrent()) this.#line(line, isCurrent)
      },
      closed: (reason) => {
        if (isCurrent()) this.#again(reason)
      },
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel()
    this.#stream?.close()
    await this.#work
  }

  #again(reason: string): void {
    this.#ports.log.info({ event: 'order-stream-closed', detail: reason })
    this.#stream?.close()
    this.#stream = null
    this.#generation += 1
    const base = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(10, this.#failures))
    this.#failures += 1
    this.#cancel()
    this.#cancel = this.#ports.clock.after(base * (0.5 + this.#ports.random()), () => this.open())
  }

  #line(line: OrderLine, isCurrent: () => boolean): void {
    if (line.kind === 'ping') return
    if (line.kind === 'report-now') return this.onReportNow()
    if (line.kind === 'ask') return void this.#ask(line)
    // A newer scheduler may say more than is known here.
    if (line.kind !== 'full' && line.kind !== 'diff') return
    this.#work = this.#listAfter(this.#work, line, isCurrent)
  }

  async #listAfter(before: Promise<void>, line: List, isCurrent: () => boolean): Promise<void> {
    await before
    if (!isCurrent()) return
    try {
      await this.#list(line)
    } catch (error) {
      this.#again(words(error))
    }
  }

  async #list(line: List): Promise<void> {
    // A line may lie in a buffer for as long as the node is cut off: what it orders may be placed elsewhere by now.
    if (this.#period !== this.#lease.period || this.#lease.isOverdue)
      return this.#again('the lease was over in between')
    const verdict = judgeLine(this.#lease.state, line)
    if (verdict.kind === 'other-grid') {
      this.#ports.log.error({ event: 'orders-of-other-grid', detail: line.grid })
      return this.#again('orders of another grid')
    }
    if (verdict.kind === 'gap') return this.#again('an order line was missed')
    if (verdict.kind === 'ignore') {
      this.#failures = 0
      this.#ports.log.info({ event: 'orders-ignored', detail: verdict.why })
      return
    }
    if (!(await this.#placements.order(line.orders))) return this.#again('an order is not on disk')
    await this.#lease.know({ revision: line.revision })
    this.#failures = 0
  }

  async #ask({ id, ask }: Asked): Promise<void> {
    const { link, output, log } = this.#ports
    this.#asks += 1
    try {
      const busy = this.#asks > asksAtOnce
      await link.answer(id, busy ? refused('the node is busy') : await output.answer(ask))
    } catch (error) {
      log.warn({ event: 'ask-failed', task: ask.task, error: words(error) })
    }
    this.#asks -= 1
  }
}

const refused = (problem: string) => ({ ok: false, problem, data: '', cursor: null, end: true })

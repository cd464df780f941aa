/** The scheduler's end of the exchange under a test's control: records reports, answers as told. */
import type { OrderHandlers, ReportOutcome, SchedulerLink } from '../../exec-node/ports.ts'
import type {
  Answer,
  LeaseTerms,
  Order,
  OrderLine,
  PlacementReport,
  Report,
  ReportReply,
} from '../../proto/sync.ts'

const usualTerms: LeaseTerms = { termMs: 240_000, killMs: 270_000, endMs: 300_000 }

export class FakeSchedulerLink implements SchedulerLink {
  readonly reports: Report[] = []
  readonly given: Answer[] = []
  grid = 'grid-1'
  incarnation = 1
  terms: LeaseTerms | null = usualTerms
  wantFull = false
  mode: 'answers' | 'refuses' | 'silent' = 'answers'
  /** What the scheduler thinks of each placement it hears of. */
  judge: (placement: PlacementReport) => 'keep' | 'stop' | 'forget' = (placement) =>
    placement.phase.kind === 'ended' ? 'forget' : 'keep'
  /** What it does not take, it will hear again. */
  takes: (placement: PlacementReport) => boolean = () => true
  oddJudge: (key: string) => ReportReply['answers'][number] | null = () => null
  wanted: Order[] = []
  /** Placements that were told to be over: a scheduler never orders them again. */
  readonly forgotten = new Set<string>()
  counter = 1
  #handlers: OrderHandlers | null = null

  async report(report: Report): Promise<ReportOutcome> {
    if (this.mode === 'silent') return new Promise(() => {})
    if (this.mode === 'refuses') return { kind: 'refused-connection' }
    this.reports.push(structuredClone(report))
    const answers = report.placements.map((placement) => ({
      task: placement.task,
      epoch: placement.epoch,
      version: this.takes(placement) ? placement.version : 0,
      then: this.judge(placement),
    }))
    // What is over is wanted no more: a scheduler commits the one with the other.
    const over = (order: Order) =>
      answers.some(
        (one) => one.then === 'forget' && one.task === order.task && one.epoch === order.epoch,
      )
    this.wanted = this.wanted.filter((order) => !over(order))
    for (const one of answers) {
      if (one.then === 'forget') this.forgotten.add(`${one.task}.${one.epoch}`)
    }
    for (const { key } of report.oddities) {
      const odd = this.oddJudge(key)
      if (odd !== null) answers.push(odd)
    }
    const { grid, incarnation, terms, wantFull } = this
    this.wantFull = false
    return { kind: 'answered', reply: { grid, incarnation, terms, wantFull, answers } }
  }

  orders(handlers: OrderHandlers): { close(): void } {
    this.#handlers = handlers
    if (this.mode === 'answers') this.sendFull()
    else queueMicrotask(() => handlers.closed('no connection'))
    return {
      close: () => {
        if (this.#handlers === handlers) this.#handlers = null
      },
    }
  }

  async answer(_id: string, answer: Answer): Promise<void> {
    this.given.push(answer)
  }

  get isOpen(): boolean {
    return this.#handlers !== null
  }

  send(line: OrderLine): void {
    this.#handlers?.line(line)
  }

  sendFull(): void {
    const revision = { incarnation: this.incarnation, counter: this.counter }
    this.send({ kind: 'full', grid: this.grid, revision, orders: structuredClone(this.wanted) })
  }

  /** Gives orders as a difference, as the scheduler does. */
  give(...orders: Order[]): void {
    for (const order of orders) {
      this.wanted = this.wanted.filter((known) => known.task !== order.task)
      this.wanted.push(order)
    }
    const base = this.counter
    this.counter += 1
    const revision = { incarnation: this.incarnation, counter: this.counter }
    const { grid } = this
    this.send({ kind: 'diff', grid, revision, base, orders: structuredClone(orders) })
  }

  cut(): void {
    const handlers = this.#handlers
    this.#handlers = null
    handlers?.closed('cut')
  }

  /** The newest thing said of a placement. */
  told(task: string, epoch = 1): PlacementReport | undefined {
    return this.reports
      .flatMap((report) => report.placements)
      .findLast((placement) => placement.task === task && placement.epoch === epoch)
  }
}

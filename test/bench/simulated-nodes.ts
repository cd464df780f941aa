/**
 * Program of the bench: many simulated exec-nodes that speak the exchange over HTTP. Each has an order stream of
 * its own; reports share some connections. What is ordered runs at once. Prints a line when all have joined.
 */
import type { OrderLine, PlacementReport, Report } from '../../proto/sync.ts'
import { placementReport, reportOf } from './filled.ts'
import { RawConnection } from './raw-http.ts'

export type SimulatedInput = {
  url: string
  bearer: string
  nodes: number
  slots: number
  reportMs: number
}

const input = JSON.parse(process.argv[2] ?? '') as SimulatedInput
const reportConnections = 64
const began = performance.now()
/** How long each report took, in ms: told with a line of its own when asked to end. */
const reports: number[] = []
process.once('SIGTERM', () => {
  console.log(JSON.stringify({ reports }))
  process.exit(0)
})

/** Connections for reports, each used by one node at a time. */
const free = await Promise.all(
  Array.from({ length: Math.min(reportConnections, input.nodes) }, () =>
    RawConnection.open(input.url, input.bearer),
  ),
)
const queue: ((connection: RawConnection) => void)[] = []
const take = () =>
  new Promise<RawConnection>((resolve) => {
    const connection = free.pop()
    if (connection) resolve(connection)
    else queue.push(resolve)
  })
function giveBack(connection: RawConnection): void {
  const next = queue.shift()
  if (next) next(connection)
  else free.push(connection)
}

class SimulatedNode {
  readonly #name: string
  #sequence = 0
  #grid: string | null = null
  #revision: Report['revision'] = null
  #news: PlacementReport[] = []
  readonly #all = new Map<string, PlacementReport>()
  #busy = false
  #terms: Report['terms'] = null
  #full = true

  constructor(name: string) {
    this.#name = name
  }

  async join(): Promise<void> {
    await this.report()
    const stream = await RawConnection.open(input.url, input.bearer)
    stream.stream(`/v1/node/orders?node=${this.#name}`, (line) =>
      this.#hear(JSON.parse(line) as OrderLine),
    )
    const wait = Math.random() * input.reportMs
    setTimeout(() => {
      setInterval(() => void this.report(), input.reportMs)
    }, wait)
  }

  async report(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    const connection = await take()
    const news = this.#news
    this.#news = []
    this.#sequence += 1
    const body = reportOf(this.#name, input.slots, {
      grid: this.#grid,
      sequence: this.#sequence,
      uptimeMs: Math.floor(1_000_000 + performance.now() - began),
      full: this.#full,
      revision: this.#revision,
      terms: this.#terms,
      placements: this.#full ? [...this.#all.values()] : news,
    })
    const asked = performance.now()
    const reply = await connection.json<{
      grid: string
      wantFull: boolean
      terms: Report['terms']
      answers: { task: string; then: string }[]
    }>('POST', '/v1/node/report', body)
    reports.push(performance.now() - asked)
    giveBack(connection)
    this.#grid = reply.grid
    this.#terms = reply.terms
    this.#full = reply.wantFull
    for (const { task, then } of reply.answers) if (then === 'forget') this.#all.delete(task)
    this.#busy = false
    if (this.#news.length > 0) void this.report()
  }

  #hear(line: OrderLine): void {
    if (line.kind !== 'full' && line.kind !== 'diff') return
    this.#revision = line.revision
    const now = Date.now()
    for (const order of line.orders) {
      const said = placementReport(
        order,
        order.want.kind === 'stop'
          ? { kind: 'ended', cause: order.want.cause }
          : { kind: 'running', run: order.firstRun, since: now, healthy: true },
        now,
      )
      this.#all.set(order.task, said)
      this.#news.push(said)
    }
    if (this.#news.length > 0) void this.report()
  }
}

const nodes = Array.from({ length: input.nodes }, (_, at) => new SimulatedNode(`node${at + 1}`))
const lanes = Array.from({ length: 16 }, (_, lane) =>
  (async () => {
    for (let at = lane; at < nodes.length; at += 16) await nodes[at]?.join()
  })(),
)
await Promise.all(lanes)
console.log(JSON.stringify({ joined: nodes.length }))

/** A brain's door that keeps all in memory, and whose commits can be held back. */
import { EventEmitter, once } from 'node:events'

import { routes } from '../../../proto/api.ts'
import type { Answer, OrderLine } from '../../../proto/sync.ts'
import { done, refuse, type Handlers } from '../../../scheduler/brain/call.ts'
import type { BrainDoor, OrderSink } from '../../../scheduler/brain/door.ts'
import { whoCould } from '../../../scheduler/core/identity/who-could.ts'
import type { EventRow, ReplyRow, TokenRow } from '../../../scheduler/store/change.ts'

export type FakeDoor = BrainDoor & {
  calls: { name: string; call: Record<string, unknown> }[]
  replies: Map<string, ReplyRow>
  tokens: Map<string, TokenRow>
  sinks: Map<string, OrderSink>
  events: EventRow[]
  answers: Answer[]
  /** Commits wait until the returned call. */
  hold(): () => void
  /** From now on nothing can be committed. */
  fail(why: string): void
  /** Stores events and tells the listeners. */
  happen(...rows: Partial<EventRow>[]): void
  answerWith(name: string, handle: (call: Record<string, unknown>) => unknown): void
  listeners: Set<(rows: readonly EventRow[]) => void>
  eventQueries: number
}

export function fakeDoor(): FakeDoor {
  let committed = Promise.resolve()
  let readOnly: string | null = null
  let jobs = 0
  let orders: Record<string, (call: Record<string, unknown>) => unknown> = {
    submitJob: () => done({ job: (jobs += 1), name: 'bot', tasks: 1, warnings: [] }),
    listJobs: () => done({ jobs: [], next: null }),
    cordonNode: () => refuse('not-found', 'no such node'),
  }
  const door: FakeDoor = {
    calls: [],
    replies: new Map(),
    tokens: new Map(),
    sinks: new Map(),
    events: [],
    answers: [],
    listeners: new Set(),
    eventQueries: 0,
    grid: 'grid-of-tests',
    version: '0.1.0',
    handlers: Object.fromEntries(
      Object.keys(routes).map((name) => [
        name,
        (call: Record<string, unknown>) => {
          door.calls.push({ name, call })
          return orders[name]?.(call) ?? done({})
        },
      ]),
    ) as unknown as Handlers,
    answerWith(name, handle) {
      orders = { ...orders, [name]: handle }
    },
    settled: () => committed,
    readOnlyBecause: () => readOnly,
    admit: () => null,
    hold() {
      const gate = new EventEmitter()
      committed = (async () => void (await once(gate, 'open')))()
      return () => void gate.emit('open')
    },
    fail(why) {
      readOnly = why
      committed = Promise.reject(new Error(why))
      committed.catch(() => {})
    },
    happen(...rows) {
      const full = rows.map((row) => ({
        id: (door.events.at(-1)?.id ?? 0) + 1,
        at: 0,
        what: 'placed',
        job: null,
        task: null,
        node: null,
        schedule: null,
        owner: null,
        by: null,
        detail: '',
        ...row,
      }))
      for (const [index, row] of full.entries()) {
        if (rows[index]?.id === undefined) row.id = (door.events.at(-1)?.id ?? 0) + 1
        door.events.push(row)
      }
      for (const listener of door.listeners) listener(full)
    },
    attachOrders(node, sink) {
      door.sinks.set(node, sink)
      sink.send({ kind: 'report-now' } satisfies OrderLine)
      return () => door.sinks.delete(node)
    },
    ask: async () => null,
    answered(id, answer) {
      door.answers.push(answer)
      return id === 'asked'
    },
    onEvents(listener) {
      door.listeners.add(listener)
      return () => door.listeners.delete(listener)
    },
    async eventsAfter(id, limit, job) {
      door.eventQueries += 1
      const rows = door.events.filter((row) => row.id > id && (job === null || row.job === job))
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      return rows.slice(0, limit)
    },
    newestEventId: () => door.events.at(-1)?.id ?? 0,
    recordReply: (row) => void door.replies.set(`${row.owner} ${row.key}`, row),
    knownReply: (owner, key) => door.replies.has(`${owner} ${key}`),
    storedReply: async (owner, key) => door.replies.get(`${owner} ${key}`) ?? null,
    recordToken: (row) => void door.tokens.set(row.hash, row),
    tokenOwner: (hash) => door.tokens.get(hash) ?? null,
    roleOf: () => null,
    apiToken: () => null,
    isShared: false,
    joinToken: () => null,
    joinNode: () => refuse('refused', 'nobody joins here'),
    nodeKey: () => null,
    newKeyShown: () => {},
    whoCould: () => whoCould({ maker: 'root', roles: new Map() }),
    gauges: () => [
      { name: 'evergrid_jobs', help: 'Live jobs', labels: { state: 'pending' }, value: 3 },
      { name: 'evergrid_jobs', help: 'Live jobs', labels: { state: 'running' }, value: 2 },
    ],
  }
  return door
}

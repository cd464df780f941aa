/** Everything that lives, in memory, with its indexes. The only writer is the brain. */
import TinyQueue from 'tinyqueue'

import type { Crontab } from '../../proto/api-crontab.ts'
import type { TaskKey } from '../../proto/ids.ts'
import type { Role } from '../../proto/rights.ts'
import { Capacity } from '../core/placement/capacity.ts'
import { ownLabels, ShapeTable, type Shape, type ShapeParts } from '../core/placement/shape.ts'
import { Shares } from '../core/placement/shares.ts'
import { Waiting } from '../core/placement/waiting.ts'
import { builtInQueues, markOf, type Queue } from '../core/queue.ts'
import { RecentPeaks } from '../core/right-size.ts'
import { DueQueue } from './due-queue.ts'
import type { LiveJob } from './live-job.ts'
import type { LiveNode } from './live-node.ts'
import { scheduleKey, type LiveSchedule } from './live-schedule.ts'
import { Use } from './use.ts'

export type RoleGrant = { owner: string; role: Role; by: string; at: number }
export type ApiToken = {
  id: number
  hash: string
  owner: string
  name: string
  scopesJson: string
  createdAt: number
  expiresAt: number
  revokedAt: number | null
  revokedBy: string | null
}
export type Sharing = { owner: string; job: number; group: string; by: string; at: number }
export type JoinToken = {
  id: number
  hash: string
  node: string | null
  by: string
  createdAt: number
  expiresAt: number
  usedAt: number | null
  usedBy: string | null
}
export type NodeKey = { node: string; hash: string; oldHash: string | null; since: number }
export type Reminder = { at: number; job: number }

export class GridState {
  readonly jobs = new Map<number, LiveJob>()
  readonly nodes = new Map<string, LiveNode>()
  readonly schedules = new Map<string, LiveSchedule>()
  /** By owner. */
  readonly crontabs = new Map<string, Crontab>()
  /** Account -> what a manager granted to it. */
  readonly roles = new Map<string, RoleGrant>()
  /** Owner -> with which unix groups it keeps its jobs together; job 0 stands for all. */
  readonly sharing = new Map<string, Sharing[]>()
  readonly joinTokens = new Map<number, JoinToken>()
  lastJoinToken = 0
  /** What nodes with an identity of their own show. */
  readonly nodeKeys = new Map<string, NodeKey>()
  /** For programs, by number; those that have expired go with the next start. */
  readonly tokens = new Map<number, ApiToken>()
  lastToken = 0
  readonly queues = new Map<string, Queue>(builtInQueues.map((queue) => [queue.name, queue]))
  /** Live jobs of each queue. */
  readonly queueJobs = new Map<string, number>()
  readonly #shapes = new ShapeTable()
  readonly capacity = new Capacity()
  readonly waiting = new Waiting()
  /** What each owner's placed tasks hold. */
  readonly shares: Shares
  readonly use = new Use()
  readonly peaks = new RecentPeaks()
  /** Job -> live jobs that wait for its end. */
  readonly dependents = new Map<number, Set<number>>()
  /** When a waiting job may become eligible: its begin time, or the end of a retry delay. */
  readonly reminders = new TinyQueue<Reminder>([], (a, b) => a.at - b.at)
  readonly due = new DueQueue()
  /** Job numbers that a lost database may have given out: from, up to but not with. */
  lostNumbers: (readonly [from: number, to: number])[] = []
  /** Nodes whose exec-node speaks a version that is too far from ours, and the sentence that says so. */
  readonly foreign = new Map<string, string>()
  /** Before this, places for work of lost nodes are given out already. */
  replacedUntil = 0
  /** Numbers of live jobs by owner and name, rising: one, or a set of them. */
  readonly #names = new Map<string, Map<string, number | Set<number>>>()
  #isRestored = false
  /** The longest lease, in ms, that the lost database is known to have granted. */
  lostGrantMs = 0
  /** Of fair shares, as a manager said it; null: as the settings say. */
  saidHalfLifeMs: number | null = null
  grid = ''
  incarnation = 0
  nextJob = 1
  lastEvent = 0
  lastAudit = 0

  constructor(shareHalfLifeMs?: number) {
    this.shares = new Shares(shareHalfLifeMs)
  }

  /** Nodes may run what this database knows nothing of: its work of before is held back, and what may be held of named resources. */
  get isRestored(): boolean {
    return this.#isRestored
  }

  set isRestored(is: boolean) {
    this.#isRestored = is
    this.capacity.resources.isTakenKnown = !is
  }

  /** New jobs have numbers that nobody else gave out: they need not wait. */
  isHeldBack(job: LiveJob): boolean {
    return this.isRestored && job.epochBase > 0
  }

  /** What a job asks for: `where` as its owner said, and what its queue adds to it. */
  shapeOf(parts: ShapeParts): Shape {
    const mark = markOf(this.queues.get(parts.queue))
    const own = ownLabels(parts.where)
    if (mark === null && own === parts.where) return this.#shapes.intern(parts)
    const where = mark === null ? own : { ...own, [mark]: 'yes' }
    return this.#shapes.intern({ ...parts, where })
  }

  addJob(job: LiveJob): void {
    this.jobs.set(job.id, job)
    const names = this.#jobsByName(job.owner)
    const same = names.get(job.name)
    if (same === undefined) names.set(job.name, job.id)
    else if (typeof same === 'number') names.set(job.name, new Set([same, job.id]))
    else same.add(job.id)
    for (const { job: other } of job.after) this.#dependentsOf(other).add(job.id)
    this.#countJob(job, 1)
  }

  #countJob({ owner, kind, queue, untouched }: LiveJob, more: 1 | -1): void {
    this.queueJobs.set(queue, (this.queueJobs.get(queue) ?? 0) + more)
    this.use.count(owner, 'jobs', more)
    if (kind === 'continuous') this.use.count(owner, 'continuous', more)
    this.use.count(owner, 'pending', more * untouched.count)
  }

  addSchedule(schedule: LiveSchedule): void {
    this.schedules.set(scheduleKey(schedule.owner, schedule.name), schedule)
    this.use.count(schedule.owner, 'schedules', 1)
  }

  /** It is due no more. */
  removeSchedule(schedule: LiveSchedule): void {
    const { owner, name } = schedule
    if (this.schedules.delete(scheduleKey(owner, name))) this.use.count(owner, 'schedules', -1)
    schedule.nextDue = null
  }

  removeJob(job: LiveJob): void {
    this.jobs.delete(job.id)
    this.#countJob(job, -1)
    const names = this.#jobsByName(job.owner)
    const same = names.get(job.name)
    if (typeof same === 'object') same.delete(job.id)
    if (same === job.id || (typeof same === 'object' && same.size === 0)) names.delete(job.name)
    if (names.size === 0) this.#names.delete(job.owner)
    this.dependents.delete(job.id)
    for (const { job: other } of job.after) this.dependents.get(other)?.delete(job.id)
  }

  /** The newest live job of that owner and name. */
  newest(owner: string, name: string): number | null {
    const same = this.#names.get(owner)?.get(name)
    if (typeof same !== 'object') return same ?? null
    let newest = null
    for (const id of same) newest = id
    return newest
  }

  /** Live jobs of that owner and name, the oldest first. */
  *named(owner: string, name: string): Generator<LiveJob> {
    const same = this.#names.get(owner)?.get(name)
    for (const id of typeof same === 'object' ? same : same === undefined ? [] : [same]) {
      const job = this.jobs.get(id)
      if (job) yield job
    }
  }

  /** Of the owner's live jobs. */
  namesOf(owner: string): Iterable<string> {
    return this.#names.get(owner)?.keys() ?? []
  }

  /** Given out, if at all, by a newer database than this one: a restored one knows nothing of it. */
  isUnknown(job: number): boolean {
    return job >= this.nextJob || this.wasLost(job)
  }

  wasLost(job: number): boolean {
    return this.lostNumbers.some(([from, to]) => job >= from && job < to)
  }

  findTaskByKey(key: TaskKey): { job: LiveJob; index: number } | null {
    const dot = key.indexOf('.')
    const job = this.jobs.get(Number(key.slice(0, dot)))
    return job ? { job, index: Number(key.slice(dot + 1)) } : null
  }

  #jobsByName(owner: string): Map<string, number | Set<number>> {
    const known = this.#names.get(owner)
    if (known) return known
    const fresh = new Map<string, number | Set<number>>()
    this.#names.set(owner, fresh)
    return fresh
  }

  #dependentsOf(job: number): Set<number> {
    const known = this.dependents.get(job)
    if (known) return known
    const fresh = new Set<number>()
    this.dependents.set(job, fresh)
    return fresh
  }
}

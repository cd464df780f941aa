/** Everything that lives, in memory, with its indexes. The only writer is the brain. */
import TinyQueue from 'tinyqueue'

import type { TaskKey } from '../../proto/ids.ts'
import { Capacity } from '../core/placement/capacity.ts'
import { ShapeTable } from '../core/placement/shape.ts'
import { Shares } from '../core/placement/shares.ts'
import { Waiting } from '../core/placement/waiting.ts'
import type { LiveJob } from './live-job.ts'
import type { LiveNode } from './live-node.ts'
import type { LiveSchedule } from './live-schedule.ts'

export type Reminder = { at: number; job: number }

export class GridState {
  readonly jobs = new Map<number, LiveJob>()
  readonly nodes = new Map<string, LiveNode>()
  readonly schedules = new Map<string, LiveSchedule>()
  readonly shapes = new ShapeTable()
  readonly capacity = new Capacity()
  readonly waiting = new Waiting()
  /** Slots in use by each owner. */
  readonly shares = new Shares()
  /** Job -> live jobs that wait for its end. */
  readonly dependents = new Map<number, Set<number>>()
  /** When a waiting job may become eligible: its begin time, or the end of a retry delay. */
  readonly reminders = new TinyQueue<Reminder>([], (a, b) => a.at - b.at)
  readonly #names = new Map<string, number[]>()
  grid = ''
  incarnation = 0
  nextJob = 1
  lastEvent = 0

  addJob(job: LiveJob): void {
    this.jobs.set(job.id, job)
    const key = nameKey(job.owner, job.name)
    const same = this.#names.get(key)
    if (same) same.push(job.id)
    else this.#names.set(key, [job.id])
    for (const { job: other } of job.after) this.#dependentsOf(other).add(job.id)
  }

  removeJob(job: LiveJob): void {
    this.jobs.delete(job.id)
    const key = nameKey(job.owner, job.name)
    const rest = (this.#names.get(key) ?? []).filter((id) => id !== job.id)
    if (rest.length > 0) this.#names.set(key, rest)
    else this.#names.delete(key)
    this.dependents.delete(job.id)
  }

  /** Live jobs of that owner and name, oldest first. */
  named(owner: string, name: string): readonly number[] {
    return this.#names.get(nameKey(owner, name)) ?? []
  }

  findTaskByKey(key: TaskKey): { job: LiveJob; index: number } | null {
    const dot = key.indexOf('.')
    const job = this.jobs.get(Number(key.slice(0, dot)))
    return job ? { job, index: Number(key.slice(dot + 1)) } : null
  }

  #dependentsOf(job: number): Set<number> {
    const known = this.dependents.get(job)
    if (known) return known
    const fresh = new Set<number>()
    this.dependents.set(job, fresh)
    return fresh
  }
}

const nameKey = (owner: string, name: string): string => `${owner}\0${name}`

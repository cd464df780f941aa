/** What the grid has said yes to: the only thing that is asked of it in the end. */

/** What a job must have come to when all is settled; see checker.ts. */
export type Expected =
  /** Runs now, in one copy. */
  | 'bot'
  /** Once at most, and if it succeeded exactly once. */
  | 'once'
  /** An array whose tasks are tried again until each has succeeded. */
  | 'all'
  /** Exits with a status of its own. */
  | 'fails'
  /** Ends by a limit of memory or time. */
  | 'limited'
  /** Was told to stop. */
  | 'stopped'

export type Acknowledged = {
  job: number
  name: string
  expected: Expected
  tasks: number
  /** Whether its tasks add to a counter. */
  counter: boolean
  /** Submitted with a hold, which its owner has lifted since. */
  held: boolean
  /** Uptime of this machine, in ms. */
  at: number
}

/** What the grid had said before a moment in which its database may be copied. */
export type Mark = {
  /** So many jobs were acknowledged: a copy knows these. */
  jobs: number
  /** Those that had not ended: a copy may have them as live. */
  live: ReadonlySet<number>
  /** By schedule, the last due time that its ledger told of (ms since 1970): what became of it is known to a copy. */
  ledgers: ReadonlyMap<string, number>
  /** Uptime in ms. */
  at: number
}

/** A database as it was at a mark, or somewhat later, was put in place. */
export type Restore = {
  mark: Mark
  /** Jobs acknowledged by then: it need not know those after the mark. */
  jobs: number
  /** Uptime, and ms since 1970. */
  at: number
  wallAt: number
}

export class Acknowledgements {
  readonly jobs: Acknowledged[] = []
  readonly schedules: { name: string; at: number }[] = []
  /** Asked for, but never answered: may or may not have been done. */
  unanswered = 0
  refused: string[] = []
  readonly restores: Restore[] = []
  readonly #places = new Map<number, number>()

  add(job: Acknowledged): void {
    this.#places.set(job.job, this.jobs.length)
    this.jobs.push(job)
  }

  /** Jobs that a restored database need not know, as is promised: acknowledged after its mark. */
  mayBeForgotten(job: number): boolean {
    return this.restores.some((restore) => this.#isSince(job, restore))
  }

  /** How many databases were put in place that had this job as live, or may have had: each may run its tasks once more. */
  restoredOver(job: number): number {
    return this.#over(job).length
  }

  /** Uptime when the last of them was put in place; null: none. */
  restoredAt(job: number): number | null {
    return this.#over(job).at(-1)?.at ?? null
  }

  /** How many databases put in place did not know, or need not have known, what had become of this due time. */
  forgottenDue(schedule: string, due: number): number {
    return this.restores.filter(
      ({ mark, wallAt }) => due > (mark.ledgers.get(schedule) ?? 0) && due <= wallAt,
    ).length
  }

  #over(job: number): Restore[] {
    return this.restores.filter(
      (restore) => restore.mark.live.has(job) || this.#isSince(job, restore),
    )
  }

  #isSince(job: number, { mark, jobs }: Restore): boolean {
    const place = this.#places.get(job)
    return place !== undefined && place >= mark.jobs && place < jobs
  }
}

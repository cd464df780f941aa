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
  /** Uptime of this machine, in ms. */
  at: number
}

export class Acknowledgements {
  readonly jobs: Acknowledged[] = []
  readonly schedules: { name: string; at: number }[] = []
  /** Asked for, but never answered: may or may not have been done. */
  unanswered = 0
  refused: string[] = []
  /** Jobs that a restored database does not know any more, as is promised: acknowledged after its backup. */
  readonly givenUp = new Set<number>()
  /** Jobs that were alive when an older database was restored: they may be run again. */
  readonly restoredOver = new Set<number>()

  /** A database was put in place that knows only the first so many of these (left out: all). */
  restored(known = this.jobs.length): void {
    for (const { job } of this.jobs.slice(known)) this.givenUp.add(job)
    for (const { job, expected } of this.jobs.slice(0, known)) {
      if (expected !== 'bot') this.restoredOver.add(job)
    }
  }
}

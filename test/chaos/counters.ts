/** What the file of a counter must say in the end, and when a task of it may have begun a second time. */
import type { Cause } from '../../proto/cause.ts'
import type { Run } from '../../proto/job.ts'
import { taskOf, twiceIn, type Begun, type Counted, type Found } from './evidence.ts'

export type Counter = {
  /** Tasks 1 to so many; each adds one. */
  tasks: number
  /** Whether a task that was counted adds nothing when it is tried again. */
  guarded: boolean
  /** Of a counter that nothing guards: the tasks that succeeded. */
  succeeded: readonly number[]
  /** Databases put in place that knew it as live: each may run a task once more. */
  restores: number
}

export function lookAtCounter(counter: Counter, lines: readonly Counted[]): Found {
  const { tasks, guarded, succeeded, restores } = counter
  const faults: string[] = []
  const value = lines.at(-1)?.value ?? 0
  const broken = lines.findIndex((line, at) => line.value !== at + 1)
  if (broken >= 0)
    faults.push(`addition ${broken + 1} made the counter ${lines[broken]?.value ?? '?'}`)
  const times = (task: number) => lines.filter((line) => line.task === task).length
  const strangers = lines.filter(({ task }) => !(task >= 1 && task <= tasks))
  if (strangers.length > 0) faults.push(`${strangers.length} additions by no task of it`)
  const most = guarded ? 1 : 1 + restores
  const all = Array.from({ length: tasks }, (_, at) => at + 1)
  const often = all.filter((task) => times(task) > most)
  for (const task of often) faults.push(`task ${task} was counted ${times(task)} times`)
  const missing = (guarded ? all : succeeded).filter((task) => times(task) === 0)
  for (const task of missing) faults.push(`task ${task} succeeded and was not counted`)
  const exact = guarded || (succeeded.length === tasks && restores === 0)
  if (exact && value !== tasks)
    faults.push(`the counter must reach exactly ${tasks}, and is ${value}`)
  return { faults, lost: missing.length, twice: often.length }
}

/** What the API tells of a task: its runs, oldest first. */
export type TaskRuns = Pick<Run, 'epoch' | 'number' | 'cause'>[]

/** Runs of the tasks that began more than once, with the cause for which they were not the last. */
export type Repeats = { faults: string[]; causes: string[] }

/**
 * A task begins again only after a run of it that the API knows, and of which it says a cause that calls for another. What
 * a database that was put in place at `restoredAt` (uptime; null: none was) has forgotten began before that.
 */
export function repeatsOf(
  begun: readonly Begun[],
  runsOf: (task: number) => TaskRuns,
  restoredAt: number | null,
): Repeats {
  const repeats: Repeats = { faults: [], causes: [] }
  const keys = begun.map(({ run }) => run)
  for (const run of twiceIn(keys)) repeats.faults.push(`run ${run} was executed twice`)
  const repeated = new Set(twiceIn(keys.map((run) => String(taskOf(run)))).map(Number))
  for (const task of repeated) {
    const known = runsOf(task)
    const own = begun.filter(({ run }) => taskOf(run) === task)
    for (const [at, { run, at: beganAt }] of own.entries()) {
      const told = known.find(({ epoch, number }) => run.endsWith(`.${task}.${epoch}.${number}`))
      const forgotten = restoredAt !== null && beganAt < restoredAt
      const isLast = at === own.length - 1
      if (told === undefined && !forgotten)
        repeats.faults.push(`run ${run} began, and nothing tells of it`)
      if (isLast) continue
      if (told === undefined) {
        if (forgotten) repeats.causes.push('forgotten by a restore')
        continue
      }
      const { cause } = told
      const asksForMore = cause !== null && !isFinal(cause)
      if (asksForMore) repeats.causes.push(cause.kind)
      else if (!forgotten)
        repeats.faults.push(
          `task ${task} began again after run ${run}, which ${cause === null ? 'has not ended' : cause.kind === 'cancelled' ? 'was stopped' : 'succeeded'}`,
        )
    }
  }
  return repeats
}

/** A success, and what people have stopped; what the scheduler itself cancels it places anew. */
const isFinal = (cause: Cause): boolean =>
  (cause.kind === 'exit' && cause.code === 0) ||
  (cause.kind === 'cancelled' && cause.by !== 'scheduler')

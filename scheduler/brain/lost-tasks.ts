/** Work of lost nodes is placed again at a bounded rate: a dead rack must not fall upon the rest at once. */
import type { TaskEvent } from '../core/task-machine.ts'
import type { LiveNode } from '../state/live-node.ts'
import type { BrainContext } from './context.ts'
import { tryHappen } from './tasks.ts'

/** Applies the event to each task of the node; those that wait afterwards have a turn each. */
export function loseTasks(
  ctx: BrainContext,
  node: LiveNode,
  eventFor: (delayMs: number) => TaskEvent,
): void {
  const { state, clock, settings } = ctx
  const now = clock.now()
  // A wall clock that was set back must not make them wait for the old time.
  const longestMs = (state.jobs.size * 1000) / settings.replacedPerSecond + 60_000
  if (state.replacedUntil > now + longestMs) state.replacedUntil = now
  for (const key of [...node.tasks]) {
    const found = state.findTaskByKey(key)
    if (!found) continue
    const at = Math.max(now, state.replacedUntil)
    const task = tryHappen(ctx, found.job, found.index, eventFor(Math.floor(at - now)))
    if (task?.state.is === 'pending') state.replacedUntil = at + 1000 / settings.replacedPerSecond
  }
}

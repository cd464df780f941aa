/** The plan of a drain as it stands, and how it is shown. */
import { iso, isoOrNull } from '../../proto/ids.ts'
import type { DrainView } from '../../proto/node.ts'
import { planDrain, type DrainPlan, type DrainTask } from '../core/drain-plan.ts'
import type { Drain, LiveNode } from '../state/live-node.ts'
import type { BrainContext } from './context.ts'

export function drainView(ctx: BrainContext, node: LiveNode): DrainView | null {
  const { drain } = node
  if (drain === null) return null
  return {
    state: drain.doneAt === null ? 'draining' : 'drained',
    by: drain.by,
    reason: drain.reason,
    startedAt: iso(drain.startedAt),
    deadlineAt: isoOrNull(drain.deadlineAt),
    then: drain.then,
    atOnce: drain.atOnce,
    steps: planFor(ctx, node, drain).steps,
    left: node.tasks.size,
  }
}

export function planFor(ctx: BrainContext, node: LiveNode, drain: Drain): DrainPlan {
  return planDrain(
    {
      node: node.name,
      tasks: tasksOn(ctx, node),
      capacity: ctx.state.capacity,
      drain: {
        deadlineAt: drain.deadlineAt,
        then: drain.then,
        atOnce: drain.atOnce,
        moving: drain.moving,
      },
    },
    ctx.clock.now(),
  )
}

function tasksOn(ctx: BrainContext, node: LiveNode): DrainTask[] {
  return [...node.tasks].flatMap((key): DrainTask[] => {
    const found = ctx.state.findTaskByKey(key)
    const task = found?.job.tasks?.get(found.index)
    if (!found || !task) return []
    const { name, owner, kind, shape } = found.job
    return [
      {
        task: key,
        name,
        owner,
        kind,
        shape,
        state: task.state.is,
        onNodeSince: task.since,
        avoid: task.avoid,
      },
    ]
  })
}

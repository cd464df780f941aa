/** Numbers for /metrics. */
import { taskStates } from '../../proto/job.ts'
import { countsOf } from '../state/live-job.ts'
import type { BrainContext } from './context.ts'
import type { BrainDoor } from './door.ts'

type Gauge = ReturnType<BrainDoor['gauges']>[number]

export function gauges(ctx: BrainContext): Gauge[] {
  const { state } = ctx
  const totals = new Map<string, number>(taskStates.map((name) => [name, 0]))
  for (const job of state.jobs.values()) {
    const counts = countsOf(job)
    for (const name of taskStates) {
      if (name !== 'finished') totals.set(name, (totals.get(name) ?? 0) + counts[name])
    }
  }
  totals.delete('finished')
  const tasks = [...totals].map(([name, value]): Gauge => ({
    name: 'evergrid_tasks',
    help: 'Live tasks by state',
    labels: { state: name },
    value,
  }))
  const one = (
    name: string,
    help: string,
    value: number,
    labels: Record<string, string> = {},
  ): Gauge => ({ name, help, labels, value })
  const nodes = [...state.nodes.values()].flatMap((node) => {
    const used = state.capacity.used(node.name)
    const labels = { node: node.name }
    return [
      one('evergrid_node_up', '1 while the node reports', node.state === 'up' ? 1 : 0, labels),
      one('evergrid_node_slots', 'Slots of the node', node.facts?.slots ?? 0, labels),
      one('evergrid_node_slots_used', 'Slots given to tasks', used.slots, labels),
    ]
  })
  return [
    ...tasks,
    ...nodes,
    one('evergrid_jobs', 'Live jobs', state.jobs.size),
    one('evergrid_schedules', 'Schedules', state.schedules.size),
    one('evergrid_waiting_entries', 'Entries in the queue of waiting work', state.waiting.size),
  ]
}

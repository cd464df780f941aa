/** How nodes are shown over the API. */
import { isoOrNull } from '../../proto/ids.ts'
import type { NodeView } from '../../proto/node.ts'
import { formatDuration } from '../../proto/resources.ts'
import { closedBecause, newNode, unwantedOn, type LiveNode } from '../state/live-node.ts'
import type { BrainContext } from './context.ts'
import { drainView } from './drain-view.ts'
import { parseOddity } from './oddities.ts'
import { toldBy } from './unknown-runs.ts'

/** Every node, and those that were refused before they could join. */
export function allNodes(ctx: BrainContext): LiveNode[] {
  const { nodes, foreign } = ctx.state
  const refused = [...foreign.keys()].filter((name) => !nodes.has(name)).map(newNode)
  return [...nodes.values(), ...refused]
}

export function nodeView(ctx: BrainContext, node: LiveNode): NodeView {
  const used = ctx.state.capacity.used(node.name)
  const { facts } = node
  return {
    name: node.name,
    state: node.state,
    cordoned: Boolean(
      node.operatorCordon ?? node.twinCordon ?? node.healthCordon ?? node.quarantine,
    ),
    reason: ctx.state.foreign.get(node.name) ?? closedBecause(node),
    drain: drainView(ctx, node),
    slots: facts?.slots ?? 0,
    slotsUsed: used.slots,
    memBytes: facts?.memBytes ?? 0,
    memUsedBytes: used.memBytes,
    enforcement: facts?.enforcement ?? 'rlimit',
    labels: facts?.labels ?? {},
    version: facts?.version ?? '',
    lastReportAt: isoOrNull(node.lastReportAt),
    lease: leaseText(ctx, node),
    health: node.health,
    tasks: node.tasks.size,
    stuck: stuckOn(ctx, node),
    unknownRuns: [
      ...[...node.unknown].flatMap(([task, placements]) =>
        placements.map(({ epoch, detail }) => ({ task, epoch, detail })),
      ),
      ...node.oddities.map((oddity) => oddView(node, oddity)),
    ],
  }
}

/** Under the node's own name for it; an epoch of 0 where that tells none. */
function oddView(
  node: LiveNode,
  { key, detail }: LiveNode['oddities'][number],
): NodeView['unknownRuns'][number] {
  const run = parseOddity(key)
  if (run === null) return { task: key, epoch: 0, detail }
  const { task, epoch } = run
  const stop = unwantedOn(node, task, epoch)
  return { task: key, epoch, detail: stop === undefined ? detail : `${detail}; ${toldBy(stop)}` }
}

function stuckOn(ctx: BrainContext, node: LiveNode): NodeView['stuck'] {
  return [...node.tasks].flatMap((key) => {
    const found = ctx.state.findTaskByKey(key)
    const state = found?.job.tasks?.get(found.index)?.state
    return state?.is === 'stopping' ? state.stuck.map((process) => ({ task: key, ...process })) : []
  })
}

function leaseText(ctx: BrainContext, node: LiveNode): string {
  if (node.state === 'lost') return 'over'
  if (node.outstanding.kind === 'none') return 'none yet'
  if (node.outstanding.kind === 'endless')
    return 'without end: it is the only node, or has not yet taken an end'
  if (node.heardAt === null)
    return `${formatDuration(node.outstanding.endMs)} from this scheduler's start`
  const leftMs = node.heardAt + node.outstanding.endMs - ctx.clock.uptime()
  return leftMs > 0 ? `over in ${formatDuration(leftMs)} unless it reports` : 'over'
}

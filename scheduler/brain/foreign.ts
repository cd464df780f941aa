/** Exec-nodes whose version is too far from ours: refused in words, shown in lists, and sent no orders. */
import { protocolVersion, type Report } from '../../proto/sync.ts'
import { refuse } from '../core/result.ts'
import { note, type BrainContext } from './context.ts'

export function refuseForeign(ctx: BrainContext, report: Report): ReturnType<typeof refuse> {
  const { node: name, protocol, facts } = report
  const isOlder = protocol < protocolVersion
  const reason =
    `its exec-node (Evergrid ${facts.version}) speaks protocol ${protocol}, this scheduler speaks ` +
    `${protocolVersion} and its neighbours: upgrade the ${isOlder ? 'exec-node' : 'scheduler'}`
  const known = ctx.state.nodes.get(name)
  // One that only shares the name of a node that is here must not close that node's orders.
  const isOther = known?.state === 'up' && known.facts?.machineId !== facts.machineId
  if (!isOther && ctx.state.foreign.get(name) !== reason) {
    ctx.state.foreign.set(name, reason)
    ctx.orders.sinkOf(name)?.close()
    note(ctx, 'node-refused', `${name}: ${reason}`, { node: name })
    ctx.log.warn({ event: 'node-refused', node: name, detail: reason })
  }
  return refuse('wrong-protocol', reason)
}

/** An operator's stop of what runs on nodes and this database does not know. On disk until the node has nothing of it. */
import type { ActionReply, Selection } from '../../proto/api-jobs.ts'
import { parseJobRef, parseTaskKey, taskKey } from '../../proto/ids.ts'
import { done, refuse, type Result } from '../core/result.ts'
import type { LiveNode, Unwanted } from '../state/live-node.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { parseOddity } from './oddities.ts'
import { couldOn } from './roles.ts'
import { placementKey, toldBy } from './unknown-runs.ts'

type There = { task: string; epoch: number }
type OnNode = { node: LiveNode; there: There[] }
/** Nodes with unknown runs, by job. */
export type UnknownByJob = ReadonlyMap<number, readonly OnNode[]>

/** Made once for all that one request asks for: a look at every node for each would hold up everybody. */
export function unknownByJob(ctx: BrainContext): UnknownByJob {
  const found = new Map<number, OnNode[]>()
  for (const node of ctx.state.nodes.values()) {
    const ofNode = new Map<number, There[]>()
    for (const one of unknownOn(node)) {
      const { job } = parseTaskKey(one.task)
      ofNode.set(job, [...(ofNode.get(job) ?? []), one])
    }
    for (const [job, there] of ofNode) found.set(job, [...(found.get(job) ?? []), { node, there }])
  }
  return found
}

function unknownOn(node: LiveNode): There[] {
  if (node.unknown.size === 0 && node.oddities.length === 0) return []
  const placements = [...node.unknown].flatMap(([task, all]) =>
    all.map(({ epoch }) => ({ task, epoch })),
  )
  const runs = node.oddities.flatMap(({ key }) => parseOddity(key) ?? [])
  const all = [...placements, ...runs.map(({ task, epoch }) => ({ task, epoch }))]
  return [...new Map(all.map((one) => [placementKey(one), one])).values()]
}

/** Null where nothing like that is known to run. */
export function stopUnknown(
  ctx: BrainContext,
  caller: Caller,
  ref: string,
  { why = '', dryRun = false }: Selection,
  unknown: UnknownByJob,
): Result<ActionReply['done'][number]> | null {
  const asked = parseJobRef(ref)
  if (asked.kind === 'name' || !ctx.state.isUnknown(asked.job)) return null
  const { job, index } = asked
  const isMeant = ({ task }: There) => index === null || task === taskKey(job, index)
  const found = (unknown.get(job) ?? [])
    .map(({ node, there }) => ({ node, there: there.filter(isMeant) }))
    .filter(({ there }) => there.length > 0)
  if (found.length === 0) return null
  if (caller.rights === 'user') {
    const detail = `a restored database does not know whose job ${ref} is, and it still runs`
    return refuse('forbidden', detail, `operators (${couldOn(ctx).operators}) may stop it`)
  }
  const on = found.map(({ node }) => node.name).join(', ')
  const reply = (detail: string) => done({ job, task: index, name: '', detail })
  if (dryRun) return reply(`would stop unknown runs on ${on}`)
  const before = found.map(({ node, there }) => ({ node: node.name, unknown: there }))
  audit(ctx, caller, {
    what: 'stop',
    about: `job ${ref}`,
    job,
    before,
    after: { wanted: 'stop', why },
  })
  for (const { node, there } of found) wantAll(ctx, node, there, { by: caller.owner, why })
  const silent = found.filter(({ node }) => node.state !== 'up').map(({ node }) => node.name)
  const later = silent.length === 0 ? '' : ` (${silent.join(', ')}: when it reports again)`
  return reply(`stopping unknown runs on ${on}${later}`)
}

function wantAll(
  ctx: BrainContext,
  node: LiveNode,
  there: readonly There[],
  asker: Pick<Unwanted, 'by' | 'why'>,
): void {
  const keys = new Set(there.map(placementKey))
  const stops = there.map((one) => ({ ...one, ...asker }))
  node.unwanted = [...node.unwanted.filter((one) => !keys.has(placementKey(one))), ...stops]
  for (const stop of stops) {
    const known = node.unknown.get(stop.task)?.find(({ epoch }) => epoch === stop.epoch)
    if (known !== undefined) Object.assign(known, { then: 'stop', detail: toldBy(stop) })
    const { job, index } = parseTaskKey(stop.task)
    const detail = `a run that no record explains: ${toldBy(stop)}`
    note(ctx, 'stop-wanted', detail, { job, task: index, node: node.name, by: asker.by })
  }
  // Its answer then says so.
  node.wantFull = true
  ctx.journal.node(node)
}

/** What a node that has said everything has no more. */
export function forgetStopped(ctx: BrainContext, node: LiveNode): void {
  if (node.unwanted.length === 0 || !node.synced) return
  const runs = new Set(node.oddities.flatMap(({ key }) => parseOddity(key) ?? []).map(placementKey))
  const left = node.unwanted.filter(
    (one) =>
      runs.has(placementKey(one)) ||
      node.unknown.get(one.task)?.some(({ epoch }) => epoch === one.epoch) === true,
  )
  if (left.length === node.unwanted.length) return
  node.unwanted = left
  ctx.journal.node(node)
}

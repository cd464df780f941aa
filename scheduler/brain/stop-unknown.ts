/** An operator's stop of what runs on nodes and this database does not know. On disk until the node has nothing of it. */
import type { ActionReply, Selection } from '../../proto/api-jobs.ts'
import { parseJobRef, taskKey } from '../../proto/ids.ts'
import { done, refuse, type Result } from '../core/result.ts'
import type { LiveNode, Unwanted } from '../state/live-node.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { parseOddity } from './oddities.ts'
import { couldOn } from './roles.ts'
import { toldBy } from './unknown-runs.ts'

type There = { task: string; epoch: number }

/** Null where nothing like that is known to run. */
export function stopUnknown(
  ctx: BrainContext,
  caller: Caller,
  ref: string,
  { why = '', dryRun = false }: Selection,
): Result<ActionReply['done'][number]> | null {
  const asked = parseJobRef(ref)
  if (asked.kind === 'name' || !ctx.state.isUnknown(asked.job)) return null
  const { job, index } = asked
  const found = [...ctx.state.nodes.values()]
    .map((node) => ({ node, there: unknownOf(node, job, index) }))
    .filter(({ there }) => there.length > 0)
  if (found.length === 0) return null
  const names = found.map(({ node }) => node.name).join(', ')
  if (caller.rights === 'user') {
    const detail = `a restored database does not know whose job ${ref} is; what is left of it runs on ${names}`
    return refuse('forbidden', detail, `operators (${couldOn(ctx).operators}) may stop it`)
  }
  const reply = (detail: string) => done({ job, task: index, name: '', detail })
  if (dryRun) return reply(`would stop what nobody knows on ${names}`)
  const before = found.map(({ node, there }) => ({ node: node.name, unknown: there }))
  audit(ctx, caller, {
    what: 'stop',
    about: `job ${ref}`,
    job,
    before,
    after: { wanted: 'stop', why },
  })
  for (const { node, there } of found) {
    for (const one of there) want(ctx, node, { ...one, by: caller.owner, why })
    // Its answer then says so.
    node.wantFull = true
    ctx.journal.node(node)
  }
  const silent = found.filter(({ node }) => node.state !== 'up').map(({ node }) => node.name)
  const later = silent.length === 0 ? '' : ` (${silent.join(', ')}: when it reports again)`
  return reply(`stopping what nobody knows on ${names}${later}`)
}

function unknownOf(node: LiveNode, job: number, index: number | null): There[] {
  const isMeant = (task: string): boolean =>
    index === null ? task.startsWith(`${job}.`) : task === taskKey(job, index)
  // By its task it is found without a look at all the others.
  const tasks = index === null ? [...node.unknown.keys()].filter(isMeant) : [taskKey(job, index)]
  const placements = tasks.flatMap((task) =>
    (node.unknown.get(task) ?? []).map(({ epoch }) => ({ task, epoch })),
  )
  const runs = node.oddities
    .flatMap(({ key }) => parseOddity(key) ?? [])
    .filter(({ task }) => isMeant(task))
    .map(({ task, epoch }) => ({ task, epoch }))
  return [...new Map([...placements, ...runs].map((one) => [keyOf(one), one])).values()]
}

const keyOf = ({ task, epoch }: There): string => `${task}@${epoch}`

function want(ctx: BrainContext, node: LiveNode, unwanted: Unwanted): void {
  const { task, epoch, by } = unwanted
  const others = node.unwanted.filter((one) => one.task !== task || one.epoch !== epoch)
  node.unwanted = [...others, unwanted]
  const known = node.unknown.get(task)?.find((one) => one.epoch === epoch)
  if (known !== undefined) Object.assign(known, { then: 'stop', detail: toldBy(unwanted) })
  note(ctx, 'stop-wanted', `stop wanted of ${task}, which nobody knows`, { node: node.name, by })
}

/** What a node that has said everything has no more. */
export function forgetStopped(ctx: BrainContext, node: LiveNode): void {
  if (node.unwanted.length === 0 || !node.synced) return
  const runs = new Set(node.oddities.flatMap(({ key }) => parseOddity(key) ?? []).map(keyOf))
  const left = node.unwanted.filter(
    (one) =>
      runs.has(keyOf(one)) ||
      node.unknown.get(one.task)?.some(({ epoch }) => epoch === one.epoch) === true,
  )
  if (left.length === node.unwanted.length) return
  node.unwanted = left
  ctx.journal.node(node)
}

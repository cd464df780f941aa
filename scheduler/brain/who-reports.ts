/** Whose report it is: of the machine that is known under the name, of its next boot, or of another machine. */
import type { NodeFacts } from '../../proto/node.ts'
import { speaksWith, type Report } from '../../proto/sync.ts'
import { bootProves, heardAgain, heardBeside, livesNow, otherBoot } from '../core/lease.ts'
import { done, refuse, type Result } from '../core/result.ts'
import type { LiveNode } from '../state/live-node.ts'
import { note, type BrainContext } from './context.ts'
import { refuseForeign } from './foreign.ts'
import { noticeStall } from './judge.ts'
import { offerNode } from './node-offer.ts'

/** Of a node: more than a person switches on under one name. One that keeps rebooting pushes the others out. */
const otherBootsMax = 16

export function refuseReport(ctx: BrainContext, report: Report): ReturnType<typeof refuse> | null {
  if (!speaksWith(report.protocol)) return refuseForeign(ctx, report)
  if (report.grid !== null && report.grid !== ctx.state.grid) {
    return refuse(
      'wrong-grid',
      `node ${report.node} belongs to grid ${report.grid}, this is ${ctx.state.grid}`,
      'give the exec-node a fresh --data folder, or the right --scheduler',
    )
  }
  return null
}

/** `rebooted`: its machine was started again since it last spoke, so nothing of before lives. */
export function whoReports(
  ctx: BrainContext,
  node: LiveNode,
  report: Report,
): Result<{ rebooted: boolean }> {
  hearBoots(ctx, node, report)
  const twin = refuseTwin(ctx, node, report)
  if (twin) return twin
  const before = node.facts
  const quietMs = quietOf(ctx, node)
  const rebooted =
    before !== null &&
    quietMs >= ctx.settings.lease.silentAfterMs &&
    (bootProves(before, { ...report.facts, uptimeMs: report.uptimeMs }, quietMs) ||
      goesOn(ctx, node, report))
  const stale = refuseStale(ctx, node, report, rebooted)
  if (stale) return stale
  if (rebooted && !report.full)
    return refuse('unavailable', `another boot of ${node.name} begins with a full report`)
  if (rebooted) keepTwins(node, report.facts.bootId)
  return done({ rebooted })
}

/** Another machine, or another agent's folder, under a name in use: the one that was first keeps the name. */
function refuseTwin(
  ctx: BrainContext,
  node: LiveNode,
  report: Report,
): ReturnType<typeof refuse> | null {
  if (node.facts === null) return null
  const isTwin = node.otherBoots.get(report.facts.bootId)?.isTwin === true
  if (!isTwin && isSameMachine(node.facts, report.facts)) return null
  if (node.state !== 'up' && node.tasks.size === 0) return null
  const reason = `two machines or agents report as ${node.name}`
  if (node.twinCordon === null) {
    node.twinCordon = { by: 'scheduler', reason, at: ctx.clock.now() }
    ctx.journal.node(node)
    offerNode(ctx, node)
    note(ctx, 'node-twin', reason, { node: node.name })
  }
  const hint =
    node.state === 'up'
      ? 'start one of them with another --name, then `eg node uncordon`'
      : `if the old one is gone for good: \`eg node lost --confirmed ${node.name}\`, then \`eg node uncordon ${node.name}\``
  return refuse('node-refused', `${reason}; this one is refused and the name is cordoned`, hint)
}

/** All that a disk holds is on its copies too; what tells them apart is not said by an exec-node that cannot read it. */
export function isSameMachine(a: NodeFacts, b: NodeFacts): boolean {
  if (a.machineId !== b.machineId) return false
  return a.hardware === undefined || b.hardware === undefined || a.hardware === b.hardware
}

/** What tells a machine's next boot from a clone of it, where nothing that they say does: a clone speaks beside it. */
function hearBoots(ctx: BrainContext, node: LiveNode, report: Report): void {
  const { bootId } = report.facts
  const { otherBoots } = node
  const now = { saidUptimeMs: report.uptimeMs, heardAt: ctx.clock.uptime() }
  if (node.facts === null) return
  if (node.facts.bootId === bootId) {
    for (const [id, other] of otherBoots)
      otherBoots.set(id, heardBeside(other, now, ctx.settings.lease))
    return
  }
  const known = otherBoots.get(bootId)
  // The one that was heard last stands last, and the first is forgotten.
  otherBoots.delete(bootId)
  otherBoots.set(bootId, known ? heardAgain(known, now) : otherBoot(now))
  const [heardFirst] = otherBoots.keys()
  if (otherBoots.size > otherBootsMax && heardFirst !== undefined) otherBoots.delete(heardFirst)
}

/** Another boot has the name now: of the rest only what was told from it as a machine of its own is known as before. */
function keepTwins({ otherBoots }: LiveNode, believed: string): void {
  otherBoots.delete(believed)
  for (const [id, { isTwin }] of otherBoots) if (!isTwin) otherBoots.delete(id)
}

/**
 * How long nothing of the known boot has come, as far as we could hear. A clone may have been switched on between two
 * of its reports, or while we stood still: only a silence that others would be called silent for tells that it is off.
 */
function quietOf(ctx: BrainContext, node: LiveNode): number {
  if (node.heardAt === null) return Number.POSITIVE_INFINITY
  noticeStall(ctx)
  return ctx.clock.uptime() - Math.max(node.heardAt, ctx.judging.since ?? node.heardAt)
}

/** True when the other boot is no late report of one that is over: it is the machine's present one. */
function goesOn(ctx: BrainContext, node: LiveNode, report: Report): boolean {
  const other = node.otherBoots.get(report.facts.bootId)
  if (other === undefined) return false
  return livesNow(other, { saidUptimeMs: report.uptimeMs, heardAt: ctx.clock.uptime() })
}

/** A report that was overtaken on its way tells of what is no longer so. */
function refuseStale(
  ctx: BrainContext,
  node: LiveNode,
  report: Report,
  rebooted: boolean,
): ReturnType<typeof refuse> | null {
  if (node.heardAt === null || rebooted) return null
  if (node.facts !== null && node.facts.bootId !== report.facts.bootId) {
    const silentS = ctx.settings.lease.silentAfterMs / 1000
    return refuse(
      'unavailable',
      `another boot of ${node.name} spoke before this one: it is believed when that has been silent for ${silentS} s`,
    )
  }
  const overtaken =
    node.session === report.session
      ? report.sequence <= node.sequence
      : report.uptimeMs < node.saidUptimeMs
  return overtaken
    ? refuse('unavailable', `a later report of ${node.name} has arrived before this one`)
    : null
}

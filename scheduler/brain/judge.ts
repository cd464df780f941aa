/** Judging silent nodes: shown first, and after their lease their single-copy work may start elsewhere. */
import { judgeLease, type LeaseVerdict } from '../core/lease.ts'
import type { LiveNode } from '../state/live-node.ts'
import { note, type BrainContext } from './context.ts'
import { loseTasks } from './lost-tasks.ts'
import { offerNode } from './node-offer.ts'
import { tryHappen } from './tasks.ts'

/** While we did not run, reports may have waited unread: silence until now proves nothing. */
export function noticeStall({ clock, judging, settings }: BrainContext): void {
  const uptime = clock.uptime()
  if (judging.since === null || judging.lookedAt === null) return
  if (uptime - judging.lookedAt <= settings.lease.stallMs) return
  judging.since = uptime
  judging.lookedAt = uptime
}

/** When judging began, on this machine's uptime; begins anew after a stall of the event loop. */
export class Judge {
  readonly #ctx: BrainContext

  constructor(ctx: BrainContext) {
    this.#ctx = ctx
  }

  /** The first accepted connection: from now on a silent node can be told from one that could not reach us. */
  begin(): void {
    this.#ctx.judging.since ??= this.#ctx.clock.uptime()
  }

  /** Uptime from which on silence counts. */
  get since(): number | null {
    return this.#ctx.judging.since
  }

  /** Before the listener closes: nobody is judged any more. */
  end(): void {
    this.#ctx.judging.since = null
  }

  look(): void {
    const { clock, judging, state } = this.#ctx
    if (judging.since === null) return
    const uptime = clock.uptime()
    noticeStall(this.#ctx)
    judging.lookedAt = uptime
    const fallenSilent: LiveNode[] = []
    for (const node of state.nodes.values()) {
      if (node.state === 'joining') continue
      const verdict = this.#judge(node, uptime)
      const isShown = node.state !== 'up' && node.shownSilent
      if (verdict === 'silent' && !isShown && node.state !== 'lost') fallenSilent.push(node)
      if (verdict === 'over' && node.state !== 'lost') this.#over(node)
    }
    for (const node of fallenSilent) this.#silent(node)
    if (fallenSilent.length > 1 && fallenSilent.length * 2 > state.nodes.size) {
      const detail = `${fallenSilent.length} of ${state.nodes.size} nodes fell silent at once: is it this machine that is cut off?`
      note(this.#ctx, 'many-silent', detail, {})
      this.#ctx.log.warn({ event: 'many-silent', count: fallenSilent.length })
    }
  }

  #judge(node: LiveNode, uptime: number): LeaseVerdict {
    return judgeLease(
      {
        heardAt: node.heardAt,
        outstanding: node.outstanding,
        settings: this.#ctx.settings.lease,
        judgingSince: this.#ctx.judging.since ?? uptime,
        suspended: node.spokeTo !== this.#ctx.settings.place,
      },
      uptime,
    )
  }

  #silent(node: LiveNode): void {
    node.state = 'silent'
    node.shownSilent = true
    note(
      this.#ctx,
      'node-silent',
      `${node.name} has not reported for ${this.#ctx.settings.lease.silentAfterMs / 1000} s`,
      { node: node.name },
    )
    this.#each(node, { happened: 'node-silent', why: `node ${node.name} does not report` })
    this.#ctx.journal.node(node)
    offerNode(this.#ctx, node)
  }

  #over(node: LiveNode): void {
    if (!node.shownSilent) this.#silent(node)
    node.state = 'lost'
    note(
      this.#ctx,
      'node-lost',
      `the lease of ${node.name} is over: what had to stop there has stopped`,
      { node: node.name },
    )
    loseTasks(this.#ctx, node, (delayMs) => ({
      happened: 'lease-over',
      node: node.name,
      delayMs,
    }))
    this.#ctx.journal.node(node)
    offerNode(this.#ctx, node)
  }

  #each(node: LiveNode, event: Parameters<typeof tryHappen>[3]): void {
    for (const key of [...node.tasks]) {
      const found = this.#ctx.state.findTaskByKey(key)
      if (found) tryHappen(this.#ctx, found.job, found.index, event)
    }
  }
}

/** Runs on a node that no record there explains: its placement may still count, or they are told to stop. */
import type { Report, ReportReply } from '../../proto/sync.ts'
import { placementOf } from '../core/task-state.ts'
import { unwantedOn, type LiveNode } from '../state/live-node.ts'
import type { BrainContext } from './context.ts'

type Answer = ReportReply['answers'][number]

/** `JOB.TASK.EPOCH.RUN`, as the agent names its runs. */
export function parseOddity(key: string): { task: string; job: number; epoch: number } | null {
  const match = /^((\d+)\.\d+)\.(\d+)\.\d+$/.exec(key)
  if (match === null) return null
  return { task: match[1] ?? '', job: Number(match[2]), epoch: Number(match[3]) }
}

export function isOddity(report: Report, task: string, epoch: number): boolean {
  return report.oddities.some(({ key, populated }) => {
    const run = parseOddity(key)
    return populated && run?.task === task && run.epoch === epoch
  })
}

export function answerOddities(ctx: BrainContext, node: LiveNode, report: Report): Answer[] {
  return report.oddities.flatMap(({ key, populated }): Answer[] => {
    const run = parseOddity(key)
    if (run === null) return []
    const { task, job, epoch } = run
    const found = ctx.state.findTaskByKey(task)
    const state = found?.job.tasks?.get(found.index)?.state
    const placement = state === undefined ? null : placementOf(state)
    const isOurs = placement?.node === node.name && placement.epoch === epoch
    // What counts is adopted there with the order for it; what nobody knows waits for an operator's stop.
    if (isOurs || (ctx.state.isUnknown(job) && !unwantedOn(node, task, epoch))) return []
    return [{ task, epoch, version: 0, then: populated ? 'stop' : 'forget' }]
  })
}

/** Which jobs a caller means, and whether the caller may act on them. */
import type { Selection } from '../../proto/api-jobs.ts'
import type { Refusal } from '../../proto/errors.ts'
import { parseJobRef } from '../../proto/ids.ts'
import { globTest } from '../core/glob.ts'
import { refuse, type Refused, type Result } from '../core/result.ts'
import type { LiveJob } from '../state/live-job.ts'
import type { Caller } from './call.ts'
import type { BrainContext } from './context.ts'
import { couldOn } from './roles.ts'

export type Target = { job: LiveJob; index: number | null }
export type Selected = { targets: Target[]; refused: { ref: string; refusal: Refusal }[] }

export function mayChange(caller: Caller, owner: string): boolean {
  return caller.rights !== 'user' || caller.owner === owner
}

export const notYours = (ctx: BrainContext, what: string, owner: string) =>
  refuse(
    'forbidden',
    `${what} belongs to ${owner}`,
    `only ${owner} and operators (${couldOn(ctx).operators}) may do this`,
  )

/** Null: a priority that this caller may give to what has `present` now. */
export function problemOfPriority(
  ctx: BrainContext,
  caller: Caller,
  priority: number | undefined,
  present = 0,
): Refusal | null {
  if (caller.rights !== 'user' || (priority ?? 0) <= Math.max(0, present)) return null
  return refuse(
    'forbidden',
    `priority ${priority} is above ${Math.max(0, present)}: only operators (${couldOn(ctx).operators}) may give it`,
    'among your own jobs the order can be had by lower ones too, down to -1023',
  ).refusal
}

/** A live job by number, name (the newest of that name) or task. */
export function findLive(
  ctx: BrainContext,
  caller: Caller,
  text: string,
  owner = caller.owner,
): Result<Target> {
  const ref = parseJobRef(text)
  const id = ref.kind === 'number' ? ref.job : (ctx.state.newest(owner, ref.name) ?? undefined)
  const job = id === undefined ? undefined : ctx.state.jobs.get(id)
  if (!job) {
    const ended = ref.kind === 'number' && !ctx.state.isUnknown(ref.job)
    return ended
      ? refuse('wrong-state', `job ${ref.job} has finished`, `see it with \`eg show ${ref.job}\``)
      : refuse('not-found', `there is no live job "${text}"`, 'list them with `eg jobs`')
  }
  const index = ref.kind === 'number' ? ref.index : null
  return noUnfinished(job, index) ?? { ok: true, value: { job, index } }
}

/** Null: the job as a whole, or a task of it that has not ended. */
export function noUnfinished(job: LiveJob, index: number | null): Refused | null {
  if (index === null || job.tasks?.has(index) || job.untouched.has(index)) return null
  return notUnfinished(job.id, index)
}

export const notUnfinished = (job: number, index: number): Refused =>
  refuse(
    'not-found',
    `job ${job} has no unfinished task ${index}`,
    `see its tasks with \`eg show ${job}\``,
  )

/** Whether a caller may do this to jobs of an owner, or to one of them, and what is said where not. */
export type Judge = {
  may(owner: string, job: number | null): boolean
  refuse(what: string, owner: string, job: number | null): Refused
}

export function select(
  ctx: BrainContext,
  caller: Caller,
  selection: Selection,
  judge: Judge,
): Selected {
  const owner = selection.owner ?? caller.owner
  const result: Selected = { targets: [], refused: [] }
  for (const text of selection.jobs ?? []) {
    const found = findLive(ctx, caller, text, owner)
    if (!found.ok) {
      result.refused.push({ ref: text, refusal: found.refusal })
      continue
    }
    const { id, owner: whose } = found.value.job
    if (judge.may(whose, id)) result.targets.push(found.value)
    else result.refused.push({ ref: text, refusal: judge.refuse(`job ${id}`, whose, id).refusal })
  }
  if (selection.all !== true && selection.name === undefined) return result
  const everybody = owner === '*' && caller.rights !== 'user'
  if (!everybody && !judge.may(owner, null)) {
    const whose = owner === '*' ? 'other accounts' : owner
    const detail = `only operators (${couldOn(ctx).operators}) may do this to jobs of ${whose}`
    result.refused.push({ ref: owner, refusal: refuse('forbidden', detail).refusal })
    return result
  }
  const fits = selection.name === undefined ? () => true : globTest(selection.name)
  for (const job of ctx.state.jobs.values()) {
    if ((everybody || job.owner === owner) && fits(job.name) && judge.may(job.owner, job.id))
      result.targets.push({ job, index: null })
  }
  return result
}

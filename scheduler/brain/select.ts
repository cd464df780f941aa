/** Which jobs a caller means, and whether the caller may act on them. */
import type { Selection } from '../../proto/api-jobs.ts'
import type { Refusal } from '../../proto/errors.ts'
import { parseJobRef } from '../../proto/ids.ts'
import { globTest } from '../core/glob.ts'
import { refuse, type Result } from '../core/result.ts'
import type { LiveJob } from '../state/live-job.ts'
import type { Caller } from './call.ts'
import type { BrainContext } from './context.ts'

export type Target = { job: LiveJob; index: number | null }
export type Selected = { targets: Target[]; refused: { ref: string; refusal: Refusal }[] }

export function mayChange(caller: Caller, owner: string): boolean {
  return caller.rights !== 'user' || caller.owner === owner
}

export const notYours = (what: string, owner: string) =>
  refuse(
    'forbidden',
    `${what} belongs to ${owner}`,
    `only ${owner} or an operator of the grid may do this`,
  )

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
    const ended = ref.kind === 'number' && ref.job < ctx.state.nextJob
    return ended
      ? refuse('wrong-state', `job ${ref.job} has finished`, `see it with \`eg show ${ref.job}\``)
      : refuse('not-found', `there is no live job "${text}"`, 'list them with `eg jobs`')
  }
  const index = ref.kind === 'number' ? ref.index : null
  if (index !== null && !(job.tasks?.has(index) || job.untouched.has(index))) {
    return refuse(
      'not-found',
      `job ${job.id} has no unfinished task ${index}`,
      `see its tasks with \`eg show ${job.id}\``,
    )
  }
  return { ok: true, value: { job, index } }
}

export function select(ctx: BrainContext, caller: Caller, selection: Selection): Selected {
  const owner = selection.owner ?? caller.owner
  const result: Selected = { targets: [], refused: [] }
  for (const text of selection.jobs ?? []) {
    const found = findLive(ctx, caller, text, owner)
    if (!found.ok) result.refused.push({ ref: text, refusal: found.refusal })
    else if (!mayChange(caller, found.value.job.owner)) {
      result.refused.push({
        ref: text,
        refusal: notYours(`job ${found.value.job.id}`, found.value.job.owner).refusal,
      })
    } else result.targets.push(found.value)
  }
  if (selection.all !== true && selection.name === undefined) return result
  const fits = selection.name === undefined ? () => true : globTest(selection.name)
  const everybody = selection.owner === '*' && caller.rights !== 'user'
  for (const job of ctx.state.jobs.values()) {
    if ((everybody || job.owner === owner) && mayChange(caller, job.owner) && fits(job.name)) {
      result.targets.push({ job, index: null })
    }
  }
  return result
}

/** Crontabs: an owner's text and the schedules that its lines are, replaced together or not at all. */
import { isDeepStrictEqual } from 'node:util'

import type { Crontab, CrontabReply, CrontabRequest } from '../../proto/api-crontab.ts'
import type { ScheduleRequest, ScheduleSpec } from '../../proto/schedule.ts'
import { done, refuse, type Result } from '../core/result.ts'
import { scheduleKey, type LiveSchedule } from '../state/live-schedule.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { admitSchedules } from './quota.ts'
import { checkSpec } from './schedule-check.ts'
import { beginSchedule, endSchedule, respecify, usualPolicies } from './schedules.ts'
import { problemOfClock } from './wall-clock.ts'

const none: Crontab = { text: '', names: [] }

export const showCrontab = (ctx: BrainContext, { owner }: Caller): Result<Crontab> =>
  done(ctx.state.crontabs.get(owner) ?? none)

export function replaceCrontab(
  ctx: BrainContext,
  caller: Caller,
  { text, schedules }: CrontabRequest,
): Result<CrontabReply> {
  const { owner } = caller
  const before = ctx.state.crontabs.get(owner) ?? none
  const names = schedules.map(({ name }) => name)
  const entries: Entry[] = []
  for (const request of schedules) {
    const entry = entryOf(ctx, caller, request, before)
    if (!entry.ok) return entry
    entries.push(entry.value)
  }
  const removed = before.names
    .filter((name) => !names.includes(name))
    .flatMap((name) => ctx.state.schedules.get(scheduleKey(owner, name)) ?? [])
  const added = entries.filter(({ present }) => present === undefined)
  const changed = entries.filter(
    ({ present, spec }) => present !== undefined && !isDeepStrictEqual(present.spec, spec),
  )
  const refused = problemOfWhole(ctx, owner, names, {
    more: added.length - removed.length,
    changes: changed.length > 0,
  })
  if (refused) return refused

  ctx.state.crontabs.set(owner, { text, names })
  ctx.journal.change({
    put: 'crontab',
    row: { owner, text, namesJson: JSON.stringify(names) },
  })
  audit(ctx, caller, {
    what: 'crontab',
    about: `crontab of ${owner}`,
    owner,
    before: { entries: before.names },
    after: { entries: names },
  })
  note(ctx, 'crontab-replaced', `${names.length} entries`, { owner, by: owner })
  for (const schedule of removed) endSchedule(ctx, caller, schedule)
  for (const { present, spec, cron } of changed)
    if (present) respecify(ctx, caller, present, { spec, cron, detail: 'in the crontab' })
  for (const { spec, cron } of added) beginSchedule(ctx, caller, spec, cron)
  return done({
    added: added.map(({ spec }) => spec.name),
    changed: changed.map(({ spec }) => spec.name),
    removed: removed.map(({ name }) => name),
    warnings: entries
      .filter(({ warnings }) => warnings.length > 0)
      .map(({ spec, warnings }) => ({ schedule: spec.name, detail: warnings.join('; ') })),
  })
}

type Entry = Pick<LiveSchedule, 'spec' | 'cron'> & {
  present: LiveSchedule | undefined
  warnings: string[]
}

/** What a line says counts; policies that it does not say stay as the owner has set them. */
function entryOf(
  ctx: BrainContext,
  caller: Caller,
  request: ScheduleRequest,
  before: Crontab,
): Result<Entry> {
  const { owner } = caller
  const present = ctx.state.schedules.get(scheduleKey(owner, request.name))
  if (present !== undefined && !before.names.includes(request.name))
    return refuse(
      'name-taken',
      `you have a schedule "${request.name}" that is no line of your crontab`,
      `remove it with \`eg schedule remove ${request.name}\`, or give the line another name with -N`,
    )
  const spec: ScheduleSpec = { ...usualPolicies, ...present?.spec, ...request }
  const checked = checkSpec(ctx, caller, owner, spec, present?.spec.job.priority)
  if (checked.ok) return done({ present, spec, ...checked.value })
  const { refusal } = checked
  return { ok: false, refusal: { ...refusal, detail: `${request.name}: ${refusal.detail}` } }
}

function problemOfWhole(
  ctx: BrainContext,
  owner: string,
  names: readonly string[],
  { more, changes }: { more: number; changes: boolean },
) {
  if (new Set(names).size < names.length)
    return refuse('invalid', 'two entries have the same name', 'give each its own')
  const refused = ctx.settings.refuseOwner(owner)
  if (refused) return refuse('forbidden', refused.detail, refused.hint)
  const waits = changes ? problemOfClock(ctx) : null
  if (waits) return { ok: false as const, refusal: waits }
  return more > 0 ? admitSchedules(ctx, owner, more) : null
}

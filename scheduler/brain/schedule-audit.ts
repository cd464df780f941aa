/** What the audit log says of changes to schedules. */
import { isDeepStrictEqual } from 'node:util'

import type { ScheduleSpec } from '../../proto/schedule.ts'
import type { LiveSchedule } from '../state/live-schedule.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import type { BrainContext } from './context.ts'

export function auditSchedule(
  ctx: BrainContext,
  caller: Caller,
  verb: string,
  { owner, name }: LiveSchedule,
  before: unknown,
  after: unknown,
): void {
  const about = `schedule ${name} of ${owner}`
  audit(ctx, caller, { what: `schedule ${verb}`, about, owner, before, after })
}

/** Values of the environment may be secrets, and stay out of the log. */
export function specOf(spec: ScheduleSpec): Record<string, unknown> {
  const { env, secretEnv, ...job } = spec.job
  return {
    ...spec,
    job: {
      ...job,
      ...(env && { env: Object.keys(env) }),
      ...(secretEnv && { secretEnv: Object.keys(secretEnv) }),
    },
  }
}

/** What is equal before and after is left out. */
export function specChange(before: ScheduleSpec, after: ScheduleSpec): [object, object] {
  const [was, is] = [specOf(before), specOf(after)]
  const differs = (name: string) => !isDeepStrictEqual(was[name], is[name])
  const only = (spec: object) =>
    Object.fromEntries(Object.entries(spec).filter(([name]) => differs(name)))
  return [only(was), only(is)]
}

/** What the schedule commands share: their options, and whose schedule is meant. */
import type { ScheduleEdit } from '../../../proto/schedule.ts'
import { dropUndefined } from '../job-options.ts'
import type { OptionTable, Values } from '../options.ts'
import { duration, oneOf } from '../values.ts'

export const policyOptions = {
  tz: { value: 'ZONE', help: 'time zone, for example Europe/Berlin (default: that of the grid)' },
  overlap: {
    value: 'POLICY',
    help: 'still running at a due time: forbid (default), queue, replace or allow',
  },
  'catch-up': { value: 'POLICY', help: 'missed due times: none (default), last or all' },
  jitter: { value: 'DURATION', help: 'start up to so much later' },
} as const satisfies OptionTable

export const ownerOption = {
  owner: { value: 'USER', help: 'operators: whose schedule' },
} as const satisfies OptionTable

type Policies = Pick<ScheduleEdit, 'tz' | 'overlap' | 'catchUp' | 'jitterMs'>

export const policies = (said: Values<typeof policyOptions>): Policies =>
  dropUndefined({
    tz: said.tz,
    overlap: oneOf('overlap', said.overlap, ['forbid', 'queue', 'replace', 'allow']),
    catchUp: oneOf('catch-up', said['catch-up'], ['none', 'last', 'all']),
    jitterMs: duration('jitter', said.jitter),
  })

export const ofOwner = ({ owner }: { owner: string | undefined }): { owner?: string } =>
  owner === undefined ? {} : { owner }

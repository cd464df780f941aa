/** The routes of crontabs: an owner's schedules as one text, replaced as a whole. */
import { Type, type Static } from 'typebox'

import { changeErrors, nothing, route } from './route.ts'
import { ScheduleRequest } from './schedule.ts'

const text = Type.String({
  maxLength: 262_144,
  description: 'as it was written, with comments and variables',
})
const Names = Type.Array(Type.String())

export const Crontab = Type.Object({
  text,
  names: Type.Array(Type.String(), {
    description: 'of the schedules that its entries are, in the order of their lines',
  }),
})
export type Crontab = Static<typeof Crontab>

export const CrontabRequest = Type.Object({
  text,
  schedules: Type.Array(ScheduleRequest, {
    maxItems: 10_000,
    description: 'one for each entry, in the order of the lines',
  }),
})
export type CrontabRequest = Static<typeof CrontabRequest>

export const CrontabReply = Type.Object({
  added: Names,
  changed: Names,
  removed: Names,
  warnings: Type.Optional(
    Type.Array(Type.Object({ schedule: Type.String(), detail: Type.String() }), {
      description: 'entries whose jobs no node could run as things are, and why',
    }),
  ),
})
export type CrontabReply = Static<typeof CrontabReply>

export const crontabRoutes = {
  showCrontab: route({
    method: 'GET',
    path: '/v1/crontab',
    summary: "The caller's crontab; empty where there is none",
    access: 'user',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Crontab,
    errors: ['unauthenticated'],
  }),
  replaceCrontab: route({
    method: 'POST',
    path: '/v1/crontab',
    summary: 'Replace it and the schedules that its lines are, all or nothing',
    access: 'user',
    params: nothing,
    query: nothing,
    body: CrontabRequest,
    reply: CrontabReply,
    errors: [...changeErrors, 'name-taken', 'refused', 'over-quota', 'too-large'],
  }),
}

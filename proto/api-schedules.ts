/** The routes of schedules. */
import { Type } from 'typebox'

import { Instant } from './ids.ts'
import { changeErrors, nothing, Reason, route } from './route.ts'
import {
  Firing,
  ScheduleDetail,
  ScheduleEdit,
  ScheduleRequest,
  ScheduleSummary,
} from './schedule.ts'

const bySchedule = Type.Object({ schedule: Type.String() })
const ofOwner = Type.Object({
  owner: Type.Optional(Type.String({ description: 'operators: whose schedule' })),
})

export const scheduleRoutes = {
  addSchedule: route({
    method: 'POST',
    path: '/v1/schedules',
    summary: 'Add a schedule',
    access: 'user',
    params: nothing,
    query: nothing,
    body: ScheduleRequest,
    reply: ScheduleSummary,
    errors: [...changeErrors, 'name-taken', 'refused', 'over-quota'],
  }),
  listSchedules: route({
    method: 'GET',
    path: '/v1/schedules',
    summary: 'List schedules',
    access: 'user',
    params: nothing,
    query: Type.Object({ all: Type.Optional(Type.Boolean()), owner: Type.Optional(Type.String()) }),
    body: nothing,
    reply: Type.Object({ schedules: Type.Array(ScheduleSummary) }),
    errors: ['unauthenticated'],
  }),
  showSchedule: route({
    method: 'GET',
    path: '/v1/schedules/:schedule',
    summary: 'A schedule with its ledger, newest firing first',
    access: 'user',
    params: bySchedule,
    query: Type.Intersect([
      ofOwner,
      Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })) }),
    ]),
    body: nothing,
    reply: ScheduleDetail,
    errors: ['unauthenticated', 'not-found'],
  }),
  nextFirings: route({
    method: 'GET',
    path: '/v1/schedules/:schedule/next',
    summary: 'Its next due times',
    access: 'user',
    params: bySchedule,
    query: Type.Intersect([
      ofOwner,
      Type.Object({ count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })) }),
    ]),
    body: nothing,
    reply: Type.Object({ next: Type.Array(Instant) }),
    errors: ['unauthenticated', 'not-found'],
  }),
  editSchedule: route({
    method: 'PATCH',
    path: '/v1/schedules/:schedule',
    summary: 'Change a schedule',
    access: 'user',
    params: bySchedule,
    query: ofOwner,
    body: ScheduleEdit,
    reply: ScheduleSummary,
    errors: [...changeErrors, 'refused'],
  }),
  pauseSchedule: route({
    method: 'POST',
    path: '/v1/schedules/:schedule/pause',
    summary: 'Skip its due times until resumed',
    access: 'user',
    params: bySchedule,
    query: ofOwner,
    body: Reason,
    reply: ScheduleSummary,
    errors: changeErrors,
  }),
  resumeSchedule: route({
    method: 'POST',
    path: '/v1/schedules/:schedule/resume',
    summary: 'End a pause',
    access: 'user',
    params: bySchedule,
    query: ofOwner,
    body: nothing,
    reply: ScheduleSummary,
    errors: changeErrors,
  }),
  runSchedule: route({
    method: 'POST',
    path: '/v1/schedules/:schedule/run',
    summary: 'Run now, through the same overlap gate',
    access: 'user',
    params: bySchedule,
    query: ofOwner,
    body: nothing,
    reply: Firing,
    errors: changeErrors,
  }),
  removeSchedule: route({
    method: 'DELETE',
    path: '/v1/schedules/:schedule',
    summary: 'Remove it; its running jobs go on',
    access: 'user',
    params: bySchedule,
    query: ofOwner,
    body: nothing,
    reply: nothing,
    errors: changeErrors,
  }),
}

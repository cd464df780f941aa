/** The routes of jobs. A `:job` parameter takes a number, a name, or a task (`17.3`). */
import { Type, type Static } from 'typebox'

import { Nullable } from './ids.ts'
import {
  Explanation,
  JobDetail,
  JobEdit,
  JobKind,
  JobRequest,
  JobSummary,
  TaskStateName,
} from './job.ts'
import { changeErrors, nothing, route } from './route.ts'

const byJob = Type.Object({ job: Type.String({ maxLength: 200 }) })
const reads = ['unauthenticated', 'not-found'] as const

/** Which jobs an action means: named ones, all of the caller's, or those whose name matches a pattern (`*`, `?`). */
export const Selection = Type.Object({
  jobs: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 100_000 })),
  all: Type.Optional(Type.Boolean()),
  name: Type.Optional(Type.String({ maxLength: 200 })),
  owner: Type.Optional(Type.String({ description: 'operators: whose jobs' })),
  dryRun: Type.Optional(Type.Boolean({ description: 'only say which' })),
  why: Type.Optional(Type.String({ maxLength: 1000 })),
})
export type Selection = Static<typeof Selection>

export const ActionReply = Type.Object({
  done: Type.Array(
    Type.Object({
      job: Type.Integer(),
      task: Nullable(Type.Integer()),
      name: Type.String({ description: 'empty of what a restored database does not know' }),
      detail: Type.String(),
    }),
  ),
  refused: Type.Array(
    Type.Object({
      ref: Type.String(),
      code: Type.String(),
      detail: Type.String(),
      hint: Type.Optional(Type.String({ description: 'what to do, or who could do it' })),
    }),
  ),
})
export type ActionReply = Static<typeof ActionReply>

const action = <const P extends string>(path: P, summary: string) =>
  route({
    method: 'POST',
    path: `/v1/jobs/${path}`,
    summary,
    access: 'user',
    params: nothing,
    query: nothing,
    body: Selection,
    reply: ActionReply,
    errors: changeErrors,
  })

export const jobRoutes = {
  submitJob: route({
    method: 'POST',
    path: '/v1/jobs',
    summary: 'Submit a job',
    access: 'user',
    scope: 'submit',
    params: nothing,
    query: nothing,
    body: JobRequest,
    reply: Type.Object({
      job: Type.Integer(),
      name: Type.String(),
      tasks: Type.Integer(),
      warnings: Type.Array(Type.String()),
    }),
    errors: [
      ...changeErrors,
      'name-taken',
      'can-never-run',
      'refused',
      'over-quota',
      'key-reused',
      'too-large',
    ],
  }),
  listJobs: route({
    method: 'GET',
    path: '/v1/jobs',
    summary: 'List live jobs, or finished ones, newest first',
    access: 'user',
    params: nothing,
    query: Type.Object({
      all: Type.Optional(Type.Boolean({ description: 'of every owner' })),
      owner: Type.Optional(Type.String()),
      state: Type.Optional(TaskStateName),
      kind: Type.Optional(JobKind),
      name: Type.Optional(
        Type.String({ maxLength: 200, description: 'exact, or a pattern with * and ?' }),
      ),
      finished: Type.Optional(Type.Boolean()),
      tasks: Type.Optional(Type.Boolean({ description: 'with the unfinished tasks of live jobs' })),
      schedule: Type.Optional(Type.String()),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
      page: Type.Optional(Type.String()),
    }),
    body: nothing,
    reply: Type.Object({ jobs: Type.Array(JobSummary), next: Nullable(Type.String()) }),
    errors: ['unauthenticated', 'invalid'],
  }),
  showJob: route({
    method: 'GET',
    path: '/v1/jobs/:job',
    summary: 'A job with spec, tasks, runs and timeline',
    access: 'user',
    params: byJob,
    query: Type.Object({
      tasks: Type.Optional(Type.String({ pattern: '^\\d+(-\\d+)?$', examples: ['1-100'] })),
    }),
    body: nothing,
    reply: JobDetail,
    errors: reads,
  }),
  explainJob: route({
    method: 'GET',
    path: '/v1/jobs/:job/explain',
    summary: 'Why it waits, and what would let it start',
    access: 'user',
    params: byJob,
    query: nothing,
    body: nothing,
    reply: Explanation,
    errors: reads,
  }),
  waitJob: route({
    method: 'GET',
    path: '/v1/jobs/:job/wait',
    summary: 'Answers when the job is finished, or after the timeout',
    access: 'user',
    params: byJob,
    query: Type.Object({ timeoutMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000 })) }),
    body: nothing,
    reply: JobSummary,
    errors: reads,
  }),
  readLog: route({
    method: 'GET',
    path: '/v1/jobs/:job/log',
    summary: 'A part of its output; pass `cursor` back for what follows',
    access: 'user',
    params: byJob,
    query: Type.Object({
      stream: Type.Optional(Type.Unsafe<'out' | 'err'>({ type: 'string', enum: ['out', 'err'] })),
      run: Type.Optional(Type.Integer({ minimum: 1 })),
      tail: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
      cursor: Type.Optional(Type.String({ maxLength: 500 })),
      waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 30_000 })),
    }),
    body: nothing,
    reply: Type.Object({
      data: Type.String({ description: 'base64' }),
      cursor: Nullable(Type.String()),
      end: Type.Boolean({ description: 'nothing more now' }),
      over: Type.Boolean({ description: 'nothing more ever: the job is finished' }),
      note: Nullable(
        Type.String({ description: 'for people: for example that only the kept tail is left' }),
      ),
      missing: Type.Optional(
        Type.Boolean({ description: 'some of it cannot be read; `note` says what and why' }),
      ),
    }),
    errors: [...reads, 'node-silent', 'refused', 'cursor-gone'],
  }),
  editJob: route({
    method: 'PATCH',
    path: '/v1/jobs/:job',
    summary: 'Change a live job',
    access: 'user',
    params: byJob,
    query: nothing,
    body: JobEdit,
    reply: Type.Object({
      job: Type.Integer(),
      changed: Type.Array(
        Type.Object({
          field: Type.String(),
          effect: Type.Unsafe<'now' | 'next-run' | 'next-placement'>({
            type: 'string',
            enum: ['now', 'next-run', 'next-placement'],
          }),
        }),
      ),
    }),
    errors: [...changeErrors, 'refused', 'can-never-run', 'over-quota'],
  }),
  stopJobs: action(
    'stop',
    'Stop: signal, grace, kill; the job is finished when its processes are gone',
  ),
  holdJobs: action('hold', 'Hold: waiting tasks do not start'),
  releaseJobs: action('release', 'End a hold'),
  suspendJobs: action('suspend', 'Freeze the processes; memory stays charged'),
  resumeJobs: action('resume', 'Thaw'),
  restartJobs: action('restart', 'Graceful stop, then a new run'),
}

/** `eg schedule edit`: its expression, policies, or the job it submits. */
import { resolve } from 'node:path'

import type { JobRequest } from '../../../proto/job.ts'
import type { ScheduleEdit } from '../../../proto/schedule.ts'
import { defineCommand, UsageError } from '../command.ts'
import { jobFields, jobOptions } from '../job-options.ts'
import { saidEnvironment } from '../job-request.ts'
import type { Values } from '../options.ts'
import { json } from '../render/json.ts'
import { saidSecrets } from '../secret-env.ts'
import type { Terminal } from '../terminal.ts'
import { timeText } from '../words.ts'
import { ofOwner, ownerOption, policies, policyOptions } from './options.ts'

export const command = defineCommand({
  usage: '[OPTION…] NAME [-- COMMAND [ARGUMENT…]]',
  options: {
    ...ownerOption,
    expression: { value: 'EXPRESSION', help: 'when it is due' },
    ...policyOptions,
    ...jobOptions,
  },
  operands: [1, 1],
  takesCommand: 'after-dashes',
  async run({ values, operands: [schedule = ''], rest, terminal, client }) {
    const grid = await client()
    const query = ofOwner(values)
    const { job } = await grid.call('showSchedule', { params: { schedule }, query })
    const changes = jobChanges(values, job, terminal)
    const command = rest === null || rest.length === 0 ? {} : { command: rest }
    const isChanged = Object.keys({ ...changes, ...command }).length > 0
    const body: ScheduleEdit = {
      ...policies(values),
      ...(values.expression === undefined ? {} : { expression: values.expression }),
      ...(isChanged ? { job: { ...job, ...changes, ...command } } : {}),
    }
    if (Object.keys(body).length === 0) throw new UsageError('say what to change')
    const edited = await grid.call('editSchedule', { params: { schedule }, query, body })
    for (const warning of edited.warnings ?? []) terminal.say(warning)
    const next = edited.next[0] === undefined ? '' : `, next due ${timeText(edited.next[0])}`
    terminal.out(values.json ? json(edited) : `schedule ${edited.name} changed${next}\n`)
    return 0
  },
})

/** Only what was said; the rest of the job stays as it is. */
function jobChanges(
  said: Values<typeof jobOptions>,
  job: JobRequest,
  { cwd, env, now }: Terminal,
): Partial<JobRequest> {
  const isContinuous = said.continuous || job.kind === 'continuous'
  const { kind, ...fields } = jobFields(
    { ...said, continuous: isContinuous },
    { cwd, env, now: now() },
    job,
  )
  return {
    ...fields,
    ...(kind !== undefined && said.continuous ? { kind } : {}),
    ...(said.cwd === undefined ? {} : { cwd: resolve(cwd, said.cwd) }),
    ...saidSecrets(said['secret-env'], cwd, job.secretEnv),
    ...(said.env.length === 0 ? {} : { env: { ...job.env, ...saidEnvironment(said.env, env) } }),
  }
}

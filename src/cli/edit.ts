/** `eg edit`: changes a live job, and says when each change takes effect. */
import { resolve } from 'node:path'

import type { JobEdit } from '../../proto/job.ts'
import { defineCommand, UsageError } from './command.ts'
import { editableFields, editableOptions } from './job-options.ts'
import { saidEnvironment } from './job-request.ts'
import { optionOf } from './option-names.ts'
import { json } from './render/json.ts'
import { saidSecrets } from './secret-env.ts'

const effects = {
  now: 'now',
  'next-run': 'with its next run',
  'next-placement': 'when it is next placed',
}

export const command = defineCommand({
  usage: '[OPTION…] JOB [-- COMMAND [ARGUMENT…]]',
  options: editableOptions,
  operands: [1, 1],
  takesCommand: 'after-dashes',
  async run({ values, operands: [job = ''], rest, terminal, client }) {
    const grid = await client()
    // What an option says only half of is completed from the job as it is.
    const halves = [
      values.env,
      values['secret-env'],
      values.grace,
      values['stop-signal'],
      values['warn-signal'],
      values['warn-before'],
      values['check-interval'],
      values['check-timeout'],
      values['check-threshold'],
    ]
    const needed = halves.some((said) => said !== undefined && said.length > 0)
    const present = needed ? (await grid.call('showJob', { params: { job } })).spec : null
    const around = { cwd: terminal.cwd, env: terminal.env, now: terminal.now() }
    const edit: JobEdit = {
      ...editableFields(values, around, present ?? {}),
      ...(values.cwd === undefined ? {} : { cwd: resolve(terminal.cwd, values.cwd) }),
      ...(values.env.length === 0
        ? {}
        : { env: { ...present?.env, ...saidEnvironment(values.env, terminal.env) } }),
      ...saidSecrets(values['secret-env'], terminal.cwd, present?.secretEnv),
      ...(rest === null || rest.length === 0 ? {} : { command: rest }),
    }
    if (Object.keys(edit).length === 0) throw new UsageError('say what to change: eg edit --help')
    const reply = await grid.call('editJob', { params: { job }, body: edit })
    if (values.json) terminal.out(json(reply))
    else if (reply.changed.length === 0) terminal.say(`job ${reply.job} is so already`)
    for (const { field, effect } of values.json ? [] : reply.changed) {
      terminal.out(`job ${reply.job}: ${optionOf(field)} changes ${effects[effect]}\n`)
    }
    return 0
  },
})

/** Which jobs an action means, asked back where it may mean many, and what became of each. */
import type { ActionReply, Selection } from '../../proto/api-jobs.ts'
import { errorList, exitStatus, type ErrorCode } from '../../proto/error-list.ts'
import type { Client } from '../client/client.ts'
import { defineCommand, UsageError, type Command, type Context } from './command.ts'
import type { OptionTable } from './options.ts'
import { json } from './render/json.ts'
import { counted } from './words.ts'

export const selectionOptions = {
  all: { short: 'a', help: 'all of your live jobs' },
  name: { value: 'PATTERN', help: 'those whose name matches, * and ? allowed' },
  owner: { value: 'USER', help: 'of this owner, who shares with you or to whom you are operator' },
  why: { value: 'TEXT', help: 'reason, kept in the timeline' },
  yes: { short: 'y', help: 'do not ask' },
  'dry-run': { help: 'only say which' },
} as const satisfies OptionTable

export type Action =
  | 'stopJobs'
  | 'holdJobs'
  | 'releaseJobs'
  | 'suspendJobs'
  | 'resumeJobs'
  | 'restartJobs'
type Selecting = Context<typeof selectionOptions>

/** A command that does one thing to the jobs that are named. */
export const actionCommand = (action: Action, verb: string): Command =>
  defineCommand({
    usage: '[OPTION…] JOB… | --all | --name PATTERN',
    options: selectionOptions,
    operands: [0, Number.MAX_SAFE_INTEGER],
    async run(context) {
      const reply = await act(context, await context.client(), action, verb)
      return reply === null ? exitStatus.refused : printActions(reply, context)
    },
  })

/** Null: asked, and not wanted. */
export async function act(
  context: Selecting,
  client: Client,
  action: Action,
  verb: string,
): Promise<ActionReply | null> {
  const { values, terminal } = context
  const selection = selectionOf(context)
  if (values['dry-run']) return client.call(action, { body: { ...selection, dryRun: true } })
  if (selection.jobs === undefined && !values.yes) {
    const { done } = await client.call(action, { body: { ...selection, dryRun: true } })
    if (done.length === 0) return { done: [], refused: [] }
    const names = [...new Set(done.map(({ name }) => name))].slice(0, 5).join(', ')
    const answer = await terminal.ask(`${verb} ${counted(done.length, 'job')} (${names})?`)
    if (answer === null) {
      throw new UsageError(
        `this would ${verb} ${counted(done.length, 'job')} (${names}); say --yes to do it`,
      )
    }
    if (!answer) return null
  }
  return client.call(action, { body: selection })
}

function selectionOf({ values, operands }: Selecting): Selection {
  const ways = [operands.length > 0, values.all, values.name !== undefined].filter(Boolean).length
  if (ways !== 1) throw new UsageError('name jobs, or say one of --all and --name PATTERN')
  return {
    ...(operands.length > 0 ? { jobs: operands } : {}),
    ...(values.all ? { all: true } : {}),
    ...(values.name === undefined ? {} : { name: values.name }),
    ...(values.owner === undefined ? {} : { owner: values.owner }),
    ...(values.why === undefined ? {} : { why: values.why }),
  }
}

/** One line each; the exit status is that of the first refusal. */
export function printActions(
  { done, refused }: ActionReply,
  { values, terminal }: Pick<Selecting, 'values' | 'terminal'>,
): number {
  if (values.json) terminal.out(json({ done, refused }))
  else {
    for (const { job, task, name, detail } of done) {
      const which = task === null ? String(job) : `${job}.${task}`
      // Of what a restored database does not know nobody can tell the name.
      terminal.out(`job ${name === '' ? which : `${which} ${name}`}: ${detail}\n`)
    }
    for (const { ref, detail } of refused) terminal.say(`${ref}: ${detail}`)
    // Once for all that have the same one.
    for (const hint of new Set(refused.map((one) => one.hint)))
      if (hint !== undefined) terminal.say(hint)
    if (done.length + refused.length === 0) terminal.say('no such jobs')
  }
  const first = refused[0]
  return first === undefined ? exitStatus.done : (errorList[first.code as ErrorCode]?.exit ?? 1)
}

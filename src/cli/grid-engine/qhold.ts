/** qhold and qrls: the hold that an owner sets and ends. */
import type { Client } from '../../client/client.ts'
import type { ProgramContext } from '../programs.ts'
import { Failure, gridEngineProgram } from './failure.ts'
import { acted, inTurn, isGone, ofUsers, type Refused } from './job-action.ts'
import { jobWords, type JobWord } from './job-words.ts'
import { allSaid, isSaid, lastSaid, readFlags, type FlagTable } from './option-table.ts'

const flags: FlagTable = {
  '-h': { takes: 1 },
  '-help': {},
  '-t': { takes: 1 },
  '-u': { takes: 1 },
}

export const program = gridEngineProgram(async (context) => {
  const { name, terminal, argv } = context
  const read = readFlags(flags, argv)
  const { toolHelp } = await import('./help.ts')
  if (!read.ok) throw new Failure(`${toolHelp(name, flags)}${read.problem}`, 1)
  const { said, operands } = read
  if (isSaid(said, '-help')) {
    terminal.out(toolHelp(name, flags))
    return 0
  }
  const users = allSaid(said, '-u').flatMap((list) => list.split(','))
  if (operands.length === 0 && users.length === 0)
    throw new Failure(`${toolHelp(name, flags)}ERROR! no option argument`, 1)
  const client = await context.client()
  const denied = await deniedHold(client, context, lastSaid(said, '-h') ?? 'u')
  if (denied !== null) {
    terminal.out(`${denied}\n`)
    return 10
  }
  const named = jobWords(operands, said)
  const { words, missing } =
    users.length === 0 ? { words: named, missing: [] } : await ofUsers(client, named, users)
  const status = await inTurn(words, (word) => hold(context, client, word))
  for (const job of missing) terminal.out(`denied: job "${job}" does not exist\n`)
  return missing.length > 0 ? status || 3 : status
})

/** Holds of operators and of the system are one with the owner's here: who may set them may set it. */
async function deniedHold(
  client: Client,
  { account }: ProgramContext,
  kinds: string,
): Promise<string | null> {
  if (!/[oOsS]/.test(kinds)) return null
  const { rights } = await client.call('whoAmI')
  if (rights !== 'user') return null
  const [needed, which] = /[oO]/.test(kinds) ? ['operator', 'operator'] : ['manager', 'manager']
  return `denied: "${account().user}" must be ${needed} to set ${which} hold`
}

async function hold(context: ProgramContext, client: Client, word: JobWord): Promise<number> {
  const { terminal, account, name } = context
  const reply = await acted(client, name === 'qrls' ? 'releaseJobs' : 'holdJobs', word)
  for (const { job, task } of reply.done)
    terminal.out(
      `modified hold of job${task === null ? ` ${job}` : `-array task ${job}.${task}`}\n`,
    )
  if (word.kind === 'name' && reply.done.length + reply.refused.length === 0) {
    terminal.out(`denied: job "${word.name}" does not exist\n`)
    return 3
  }
  let status = 0
  for (const refused of reply.refused) {
    const [text, exit] = refusal(refused, account().user)
    if (text !== null) terminal.out(`${text}\n`)
    status ||= exit
  }
  return status
}

/** What has no hold to end, or does not wait, is passed over in silence, as Grid Engine does. */
function refusal(refused: Refused, user: string): [text: string | null, exit: number] {
  const job = refused.ref.replace(/\..*$/, '')
  if (isGone(refused)) return [`denied: job "${job}" does not exist`, 3]
  if (refused.code === 'forbidden')
    return [`denied: "${user}" must be at least owner of job ${job} to change job attributes`, 18]
  return [null, 0]
}

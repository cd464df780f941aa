/** qmod: suspend, resume, clear and reschedule jobs; close and open queues on nodes. */
import type { NodeView } from '../../../proto/node.ts'
import type { Client } from '../../client/client.ts'
import type { ProgramContext } from '../programs.ts'
import type { Action } from '../selection.ts'
import { Failure, gridEngineProgram } from './failure.ts'
import { acted, inTurn, isGone } from './job-action.ts'
import { jobWords, type JobWord } from './job-words.ts'
import { readFlags, type FlagLine, type FlagTable } from './option-table.ts'
import { matches } from './values.ts'

const takes = { takes: 1 } as const
const flags: FlagTable = {
  '-c': takes,
  '-cj': takes,
  '-cq': takes,
  '-d': takes,
  '-e': takes,
  '-f': {},
  '-help': {},
  '-r': takes,
  '-rj': takes,
  '-rq': takes,
  '-s': takes,
  '-sj': takes,
  '-sq': takes,
  '-us': takes,
  '-usj': takes,
  '-usq': takes,
  '-t': takes,
}

export const program = gridEngineProgram(async (context) => {
  const { terminal, argv } = context
  const { toolHelp } = await import('./help.ts')
  const [flag, ...rest] = argv.filter((word) => word !== '-f')
  const known = readFlags(flags, flag === undefined ? [] : [flag, ...rest])
  if (flag === '-help') {
    terminal.out(toolHelp('qmod', flags))
    return 0
  }
  if (flag === undefined || !known.ok || !Object.hasOwn(flags, flag))
    throw new Failure(
      `${toolHelp('qmod', flags)}${known.ok ? 'ERROR! no option argument' : known.problem}`,
      1,
    )
  const words = wordsOf(flag, known)
  const client = await context.client()
  return inTurn(words, (word) =>
    typeof word === 'string'
      ? onQueue(context, client, flag, word)
      : onJob(context, client, flag.replace(/j$/, ''), word),
  )
})

/** Jobs, each with the tasks of its `-t`; a text is a queue. */
function wordsOf(flag: string, { said, operands }: FlagLine): (JobWord | string)[] {
  const [first, ...more] = said
  const other = flag === '-t' ? first : more.find((one) => one.flag !== '-t')
  if (other)
    throw new Failure(`ERROR! ${other.flag}: say one thing at a time, and its jobs first`, 1)
  const onQueues = flag === '-d' || flag === '-e' || flag.endsWith('q')
  return [...(first?.words ?? []), ...operands].flatMap((list, at) => {
    // The first word was the flag's own, which is no operand.
    const ranges = more.filter(({ after }) => after === at).map((one) => ({ ...one, after: 1 }))
    return list
      .split(',')
      .filter((word) => word !== '')
      .flatMap((word): (JobWord | string)[] =>
        !onQueues && (/^\d/.test(word) || flag.endsWith('j')) ? jobWords([word], ranges) : [word],
      )
  })
}

const actions: Readonly<Record<string, Action>> = {
  '-s': 'suspendJobs',
  '-us': 'resumeJobs',
  '-c': 'releaseJobs',
  '-r': 'restartJobs',
}

async function onJob(
  { terminal, account, host }: ProgramContext,
  client: Client,
  flag: string,
  word: JobWord,
): Promise<number> {
  const action = actions[flag]
  if (action === undefined) return 1
  const { user } = account()
  const reply = await acted(client, action, word)
  const told = {
    '-s': (which: string) => `${user} - suspended ${which}`,
    '-us': (which: string) => `${user} - unsuspended ${which}`,
    '-c': (which: string) => `${user}@${host} cleared error state of ${which}`,
    '-r': (which: string) => `Pushed rescheduling of ${which}`,
  }[flag]
  for (const { job, task } of reply.done)
    terminal.out(`${told?.(task === null ? `job ${job}` : `job-array task ${job}.${task}`)}\n`)
  let status = 0
  for (const one of reply.refused) {
    if (flag === '-us' && one.detail.includes('is not suspended')) {
      terminal.out(`${user} - job ${one.ref} is already unsuspended\n`)
      continue
    }
    if (isGone(one)) terminal.out(`invalid queue or job "${one.ref}"\n`)
    else if (one.code === 'forbidden')
      terminal.out(`${user} - you have no permission to modify job "${one.ref}"\n`)
    else if (flag === '-r')
      terminal.out(`The job ${one.ref} is running in queue none where jobs are not rerunable.\n`)
    else terminal.out(`${user} - ${one.detail}\n`)
    status = 1
  }
  if (word.kind === 'name' && reply.done.length + reply.refused.length === 0) {
    terminal.out(`invalid queue or job "${word.name}"\n`)
    return 1
  }
  return status
}

async function onQueue(
  context: ProgramContext,
  client: Client,
  flag: string,
  word: string,
): Promise<number> {
  const { terminal } = context
  const [queue = '', host = '*'] = word.split('@')
  const { nodes } = await client.call('listNodes')
  const meant = nodes.filter((node) => matches(queue, 'all.q') && matches(host, node.name))
  if (meant.length === 0 && host === '*') return onOwnQueue(context, client, flag, queue)
  if (meant.length === 0) {
    terminal.out(`invalid queue "${word}"\n`)
    return 1
  }
  return inTurn(meant, (node) => change(context, client, flag, node))
}

/** A queue that the site has made is closed as a whole, wherever it runs. */
async function onOwnQueue(
  { terminal, account, host }: ProgramContext,
  client: Client,
  flag: string,
  queue: string,
): Promise<number> {
  const { queues } = await client.call('listQueues')
  const known = queues.find(({ name, builtIn }) => name === queue && !builtIn)
  if (known === undefined) {
    terminal.out(`invalid queue "${queue}"\n`)
    return 1
  }
  const { user } = account()
  const { rights } = await client.call('whoAmI')
  if (rights === 'user' || (flag !== '-d' && flag !== '-e')) {
    terminal.out(`${user} - you have no permission to modify queue "${queue}"\n`)
    return 1
  }
  const word = flag === '-d' ? 'disabled' : 'enabled'
  if ((known.closed !== null) === (flag === '-d')) {
    terminal.out(`Queue "${queue}" is already in the specified state: ${word}\n`)
    return 0
  }
  await client.call(flag === '-d' ? 'closeQueue' : 'openQueue', { params: { queue }, body: {} })
  terminal.out(`${user}@${host} changed state of "${queue}" (${word})\n`)
  return 0
}

async function change(
  { terminal, account, host }: ProgramContext,
  client: Client,
  flag: string,
  node: NodeView,
): Promise<number> {
  const { user } = account()
  const instance = `all.q@${node.name}`
  const isClosing = flag === '-d'
  const { rights } = await client.call('whoAmI')
  if (rights === 'user') {
    terminal.out(`${user} - you have no permission to modify queue "${instance}"\n`)
    return 1
  }
  if (!isClosing && flag !== '-e') {
    const way = 'close a node with -d, and suspend its jobs one by one'
    terminal.out(`${instance}: ${flag} is for jobs here; ${way}\n`)
    return 1
  }
  const word = isClosing ? 'disabled' : 'enabled'
  if (node.cordoned === isClosing) {
    terminal.out(`Queue instance "${instance}" is already in the specified state: ${word}\n`)
    return 0
  }
  const route = isClosing ? 'cordonNode' : 'uncordonNode'
  await client.call(route, { params: { node: node.name }, body: {} })
  terminal.out(`${user}@${host} changed state of "${instance}" (${word})\n`)
  return 0
}

/** qselect: queue instances that fit. */
import { Failure, gridEngineProgram } from './failure.ts'
import { allSaid, isSaid, lastSaid, readFlags, type FlagTable } from './option-table.ts'
import { instanceName, instancesOf } from './queue-instances.ts'
import { matches } from './values.ts'

const flags: FlagTable = {
  '-help': {},
  '-l': { takes: 1 },
  '-pe': { takes: 1 },
  '-q': { takes: 1 },
  '-qs': { takes: 1 },
  '-s': {},
  '-U': { takes: 1 },
}

export const program = gridEngineProgram(async (context) => {
  const { terminal, argv } = context
  const { toolHelp } = await import('./help.ts')
  const read = readFlags(flags, argv)
  if (!read.ok) throw new Failure(`${toolHelp('qselect', flags)}${read.problem}`, 1)
  const { said } = read
  if (isSaid(said, '-help')) {
    terminal.out(toolHelp('qselect', flags))
    return 0
  }
  const client = await context.client()
  const [{ nodes }, { queues: known }] = await Promise.all([
    client.call('listNodes'),
    client.call('listQueues'),
  ])
  const queues = allSaid(said, '-q').flatMap((list) => list.split(','))
  const states = lastSaid(said, '-qs')
  const fits = instancesOf(nodes, known, []).filter(
    (one) =>
      (queues.length === 0 ||
        queues.some((queue) => matches(queue, one.queue) || matches(queue, instanceName(one)))) &&
      (states === undefined || states.split('').some((state) => one.states.includes(state))),
  )
  for (const one of fits) terminal.out(`${instanceName(one)}\n`)
  return fits.length === 0 ? 1 : 0
})

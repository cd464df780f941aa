/** qresub: a live job submitted once more, as it was. */
import { ClientError } from '../../client/client-error.ts'
import { Failure, gridEngineProgram } from './failure.ts'
import { isSaid, readFlags, type FlagTable } from './option-table.ts'

const flags: FlagTable = { '-h': { takes: 1 }, '-help': {} }

export const program = gridEngineProgram(async (context) => {
  const { terminal, argv, account, host } = context
  const { toolHelp } = await import('./help.ts')
  const read = readFlags(flags, argv)
  if (!read.ok) throw new Failure(`Unknown option ${argv.slice(0, 2).join(' ')}\n`, 5)
  const { said, operands } = read
  if (isSaid(said, '-help')) {
    terminal.out(toolHelp('qresub', flags))
    return 0
  }
  if (operands.length === 0)
    throw new Failure(`${toolHelp('qresub', flags)}ERROR! no option argument`, 1)
  const client = await context.client()
  const { user } = account()
  let status = 0
  for (const id of operands.flatMap((list) => list.split(','))) {
    try {
      const { spec, owner } = await client.call('showJob', { params: { job: id } })
      if (owner !== user && user !== 'root') {
        terminal.out(
          `job rejected: ${user}@${host} is not allowed to resubmit jobs of user ${owner}\n`,
        )
        status = 4
        continue
      }
      const { after: _, ...again } = spec
      const hold = isSaid(said, '-h') ? { hold: true } : {}
      if (isSaid(said, '-h')) terminal.out(`modified hold of job ${id}\n`)
      const { job } = await client.call('submitJob', {
        body: { ...again, ...hold, ...(owner === user ? {} : { owner }) },
      })
      const { array } = spec
      const tasks = array === null ? '' : `.${array.from}-${array.to}:${array.step}`
      terminal.out(
        `Your job${array === null ? '' : '-array'} ${job}${tasks} ("${spec.name}") has been submitted\n`,
      )
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'not-found') throw error
      terminal.out(`job "${id}" does not exist\n`)
      status = 4
    }
  }
  return status
})

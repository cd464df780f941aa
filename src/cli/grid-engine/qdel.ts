/** qdel: its answers, refusals too, go to stdout. */
import type { ActionReply } from '../../../proto/api-jobs.ts'
import type { Client } from '../../client/client.ts'
import type { ProgramContext } from '../programs.ts'
import { Failure, gridEngineProgram } from './failure.ts'
import { acted, isGone, ofUsers } from './job-action.ts'
import { jobWords, type JobWord } from './job-words.ts'
import { allSaid, isSaid, readFlags, type FlagTable } from './option-table.ts'

const flags: FlagTable = { '-f': {}, '-help': {}, '-t': { takes: 1 }, '-u': { takes: 1 } }

export const program = gridEngineProgram(async (context) => {
  const { terminal, argv } = context
  const read = readFlags(flags, argv, { unknownIsOperand: true })
  if (!read.ok) throw new Failure(read.problem, 1)
  const { said, operands } = read
  const { toolHelp } = await import('./help.ts')
  if (isSaid(said, '-help')) {
    terminal.out(toolHelp('qdel', flags))
    return 0
  }
  const users = allSaid(said, '-u').flatMap((list) => list.split(','))
  if (operands.length === 0 && users.length === 0) {
    terminal.out('ERROR! no option argument\n')
    terminal.err(toolHelp('qdel', flags))
    return 1
  }
  const words = jobWords(operands, said)
  const client = await context.client()
  const deleter = new Deleter(context, client)
  if (words.length === 0) for (const user of users) await deleter.ofUser(user)
  else await deleter.words(words, users)
  return deleter.status
})

class Deleter {
  status = 0
  readonly #client: Client
  readonly #user: string
  readonly #out: (line: string) => void

  constructor({ terminal, account }: ProgramContext, client: Client) {
    this.#client = client
    this.#user = account().user
    this.#out = (line) => terminal.out(`${line}\n`)
  }

  /** Named jobs; with users only those that are theirs. */
  async words(named: readonly JobWord[], users: readonly string[]): Promise<void> {
    const { words, missing } =
      users.length === 0 ? { words: named, missing: [] } : await ofUsers(this.#client, named, users)
    for (const word of words) await this.#word(word)
    for (const job of missing)
      this.#fail(`The job ${job} of user(s) ${users.join(',')} does not exist`)
  }

  async #word(word: JobWord): Promise<void> {
    const waiting = word.kind === 'job' && word.tasks !== null ? await this.#waiting(word.id) : null
    const reply = await acted(this.#client, 'stopJobs', word)
    if (word.kind === 'name' && reply.done.length === 0)
      return this.#fail(`The job ${word.name} of user(s) ${this.#user} does not exist`)
    this.#tell(reply, waiting)
  }

  async ofUser(user: string): Promise<void> {
    if (user === '*' && this.#user !== 'root') {
      const { rights } = await this.#client.call('whoAmI')
      if (rights === 'user')
        return this.#fail(`denied: "${this.#user}" must be manager to modify all jobs`)
    }
    const query = { limit: 100_000, ...(user === '*' ? { all: true } : { owner: user }) }
    const { jobs } = await this.#client.call('listJobs', { query })
    if (jobs.length === 0)
      return this.#fail(`There is no job registered for the following users: ${user}`)
    const body = { jobs: jobs.map(({ id }) => String(id)) }
    this.#tell(await this.#client.call('stopJobs', { body }), null)
  }

  #tell({ done, refused }: ActionReply, waiting: ReadonlySet<number> | null): void {
    const deleted = done.filter(({ task }) => task !== null && waiting?.has(task) === true)
    const registered = done.filter((one) => !deleted.includes(one))
    for (const { job, task, detail } of registered) {
      if (task === null && detail === 'stopped') this.#out(`${this.#user} has deleted job ${job}`)
      else if (task === null) this.#out(`${this.#user} has registered the job ${job} for deletion`)
      else this.#out(`${this.#user} has registered the job-array task ${job}.${task} for deletion`)
    }
    const [first] = deleted
    const tasks = deleted.map(({ task }) => task).join(',')
    if (first && deleted.length === 1)
      this.#out(`${this.#user} has deleted job-array task ${first.job}.${tasks}`)
    else if (first)
      this.#out(`${this.#user} has deleted job-array tasks ${tasks} of job ${first.job}`)
    for (const one of refused) {
      const job = one.ref.replace(/\..*$/, '')
      this.#fail(
        isGone(one)
          ? `denied: job "${job}" does not exist`
          : one.code === 'forbidden'
            ? `${this.#user} - you do not have the necessary privileges to delete the job "${job}"`
            : `denied: ${one.detail}`,
      )
    }
  }

  /** Tasks of an array that do not run yet: these are gone at once. */
  async #waiting(id: string): Promise<ReadonlySet<number>> {
    const { jobs } = await this.#client.call('listJobs', {
      query: { all: true, tasks: true, limit: 100_000 },
    })
    const found = new Set<number>()
    for (const task of jobs.find((job) => String(job.id) === id)?.unfinished ?? []) {
      if (task.state !== 'pending' && task.state !== 'held') continue
      if ('index' in task) found.add(task.index)
      else for (let at = task.range[0]; at <= task.range[1]; at += task.step) found.add(at)
    }
    return found
  }

  #fail(line: string): void {
    this.#out(line)
    this.status = 1
  }
}

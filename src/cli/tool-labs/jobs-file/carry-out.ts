/** Makes one change of a jobs file true, and says in a few words what was done. */
import type { JobEdit } from '../../../../proto/job.ts'
import type { Client } from '../../../client/client.ts'
import { CommandError } from '../../command.ts'
import type { Change, Difference } from './changes.ts'
import type { FullJob, Wanted } from './wanted.ts'

export type Done = { word: string; job: number | null }

const why = 'changed by eg apply'

export function carryOut(grid: Client, change: Change): Promise<Done> {
  switch (change.what) {
    case 'create':
      return create(grid, change.wanted)
    case 'update':
      return update(grid, change)
    case 'remove':
      return remove(grid, change)
    case 'keep':
      return Promise.resolve(
        change.present.kind === 'once'
          ? { word: `runs already (job ${change.present.id})`, job: change.present.id }
          : { word: 'already up to date', job: null },
      )
    default:
      return change satisfies never
  }
}

async function create(grid: Client, wanted: Wanted): Promise<Done> {
  const { name, job: body } = wanted
  if (wanted.kind === 'schedule') {
    const added = await grid.call('addSchedule', { body: { name, ...wanted.when, job: body } })
    return { word: `created${remark(added)}`, job: null }
  }
  const submitted = await grid.call('submitJob', { body })
  const { job } = submitted
  const word = `${wanted.kind === 'once' ? 'started' : 'created'} (job ${job})`
  return { word: `${word}${remark(submitted)}`, job }
}

const remark = ({ warnings = [] }: { warnings?: readonly string[] | undefined }): string =>
  warnings.length === 0 ? '' : `: ${warnings.join('; ')}`

type Update = Extract<Change, { what: 'update' }>

async function update(grid: Client, { wanted, present, differences }: Update): Promise<Done> {
  const { name } = wanted
  if (wanted.kind === 'schedule') {
    // What an edit does not name stays: that nothing is asked for any more must be said.
    const asked = present.kind === 'once' ? undefined : present.job.resources
    const job =
      asked === undefined ? wanted.job : { ...wanted.job, resources: wanted.job.resources ?? {} }
    const edited = await grid.call('editSchedule', {
      params: { schedule: name },
      query: {},
      body: { ...wanted.when, job },
    })
    return { word: `updated${remark(edited)}`, job: null }
  }
  if (present.kind !== 'continuous') return create(grid, wanted)
  const job = String(present.id)
  if (differences.some(({ key }) => onlyAnew.has(key))) {
    refuseSecrets(name, present.job)
    // Else what runs would be stopped for one that is refused. The name is free only once that is being stopped.
    await grid.call('submitJob', { body: { ...wanted.job, name: `_try.${job}`, dryRun: true } })
    await grid.call('stopJobs', { body: { jobs: [job], why } })
    // It waits for the end of the one that is being stopped.
    const { job: id } = await grid.call('submitJob', { body: wanted.job })
    return { word: `updated (replaced by job ${id})`, job: id }
  }
  const body = editOf(wanted.job, present.job, differences)
  const { changed } = await grid.call('editJob', { params: { job }, body })
  if (changed.every(({ effect }) => effect === 'now')) return { word: 'updated', job: present.id }
  const { done } = await grid.call('restartJobs', { body: { jobs: [job], why } })
  return { word: done.length > 0 ? 'updated, restarted' : 'updated', job: present.id }
}

/** A job made anew would come up without them. */
function refuseSecrets(name: string, { secretEnv = {} }: FullJob): void {
  const secrets = Object.keys(secretEnv).join(', ')
  if (secrets === '') return
  throw new CommandError(
    `${name} would have to be submitted anew, and its secrets (${secrets}) are told to nobody`,
    { hint: 'stop it and submit it with `eg submit --secret-env`' },
  )
}

/** What a running job cannot be given. */
const onlyAnew = new Set(['slots', 'where', 'resources', 'queue', 'umask', 'stdin', 'on-partition'])

/** The fields that differ. Names of files that are only written otherwise restart nothing. */
function editOf(job: FullJob, before: FullJob, differences: readonly Difference[]): JobEdit {
  const isOfFiles = differences.some(({ key }) => key.includes('filelog'))
  const fields = editable.filter(
    (field) =>
      JSON.stringify(job[field]) !== JSON.stringify(before[field]) &&
      (isOfFiles || (field !== 'out' && field !== 'err')),
  )
  return Object.fromEntries(fields.map((field) => [field, job[field]]))
}

const editable = [
  'priority',
  'memBytes',
  'timeMs',
  'cpuCores',
  'pids',
  'command',
  'env',
  'cwd',
  'out',
  'err',
  'restart',
  'check',
  'silenceMs',
  'stop',
  'warn',
] as const satisfies (keyof JobEdit)[]

async function remove(
  grid: Client,
  { present, why: cause }: Extract<Change, { what: 'remove' }>,
): Promise<Done> {
  if (present.kind === 'schedule') {
    await grid.call('removeSchedule', { params: { schedule: present.name }, query: {} })
    return { word: `removed, ${cause}`, job: null }
  }
  await grid.call('stopJobs', { body: { jobs: [String(present.id)], why: `${why}: ${cause}` } })
  return { word: `stopped, ${cause}`, job: present.id }
}

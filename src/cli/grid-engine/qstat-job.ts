/** `qstat -j`: a job as it was asked for, and why it waits. */
import type { JobDetail, TaskView } from '../../../proto/job.ts'
import { causeText } from '../../../proto/words.ts'
import type { Client } from '../../client/client.ts'
import { findAccount } from '../../lib/accounts.ts'
import { printable } from '../render/table.ts'
import { labelled, originLines, programLines, requestLines } from './describe.ts'
import { longTime } from './job-rows.ts'
import { readNote } from './submit-note.ts'

/** Text of one job, with the line above it. */
export async function jobText(client: Client, detail: JobDetail): Promise<string> {
  const { spec } = detail
  const note = readNote(spec.notes)
  const account = await findAccount(detail.owner).catch(() => null)
  const array = detail.array
  const why = await waitsFor(client, detail)
  const waits = detail.waitsFor ?? []
  const lines = [
    '='.repeat(62),
    labelled('job_number', String(detail.id)),
    labelled('exec_file', `job_scripts/${detail.id}`),
    labelled('submission_time', longTime(Date.parse(detail.submittedAt))),
    labelled('owner', detail.owner),
    labelled('uid', String(account?.uid ?? 0)),
    labelled('group', detail.owner),
    labelled('gid', String(account?.gid ?? 0)),
    ...originLines(spec, note),
    ...requestLines(spec, note),
    ...programLines(spec, note),
    ...(waits.length === 0 ? [] : [labelled('jid_predecessor_list', waits.join(','))]),
    ...(array === null
      ? []
      : [labelled('job-array tasks', `${array.from}-${array.to}:${array.step}`)]),
    ...(spec.maxRunning === null ? [] : [labelled('maximum concurrency', String(spec.maxRunning))]),
    labelled('binding', 'NONE'),
    labelled('job_type', note !== null && !note.isBinary ? 'NONE' : 'binary'),
    ...detail.tasks.flatMap(taskLines),
    ...why.map((reason, at) =>
      at === 0 ? labelled('scheduling info', reason) : ' '.repeat(28) + printable(reason),
    ),
  ]
  return `${lines.join('\n')}\n`
}

function taskLines(task: TaskView): string[] {
  if (!('index' in task)) return []
  const last = task.runs?.at(-1)
  const lines: string[] = []
  // Held after it has run: its exit code did it.
  if (task.state === 'held' && last?.cause)
    lines.push(numbered('error reason', task.index, causeText(last.cause)))
  const usage = last?.usage
  if (usage && last?.endedAt === null) {
    const gigabytes = ((usage.readBytes ?? 0) + (usage.writtenBytes ?? 0)) / 2 ** 30
    const text = [
      `cpu=${clock(usage.cpuMs ?? 0)}`,
      'mem=0.00000 GB s',
      `io=${gigabytes.toFixed(5)} GB`,
      `vmem=${megabytes(usage.memBytes)}`,
      `maxvmem=${megabytes(usage.peakMemBytes)}`,
    ]
    lines.push(
      numbered('usage', task.index, text.join(', ')),
      numbered('binding', task.index, 'NONE'),
    )
  }
  return lines
}

const numbered = (label: string, index: number, text: string): string =>
  `${label.padEnd(14)}${`${index}:`.padEnd(14).padStart(14)}${printable(text)}`

const megabytes = (bytes: number | null) =>
  bytes === null ? 'N/A' : `${(bytes / 2 ** 20).toFixed(3)}M`

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}

/** Of what waits: the scheduler's own reasons. */
async function waitsFor(client: Client, detail: JobDetail): Promise<string[]> {
  const isWaiting = detail.counts.pending + detail.counts.held > 0
  if (!isWaiting) return []
  const { reasons } = await client.call('explainJob', { params: { job: String(detail.id) } })
  return reasons.map(({ detail: reason }) => reason)
}

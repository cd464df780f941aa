/** A job for people: what it is, its tasks, its runs, its timeline. */
import type { JobDetail, JobRequest, JobSpec, Run, TaskView } from '../../../proto/job.ts'
import { formatDuration } from '../../../proto/resources.ts'
import { causeText } from '../../../proto/words.ts'
import { counted, countsText, indexText, sizeText, stateCell, timeText, whyText } from '../words.ts'
import { facts, printable, table, type Cell, type Look } from './table.ts'

export function jobText(job: JobDetail, look: Look): string {
  const parts = [
    facts([...stateFacts(job), ...specFacts(job.spec), ...pastFacts(job)], look),
    job.array === null ? '' : tasksText(job.tasks, look),
    runsText(job.tasks, look),
    timelineText(job, look),
  ]
  const rest =
    job.tasksNext === null ? '' : `more tasks: eg show --tasks ${job.tasksNext}-… ${job.id}\n`
  return parts.filter((part) => part !== '').join('\n') + rest
}

type Facts = [string, Cell | null][]
const unless = <T>(value: T | null | undefined, text: (value: T) => Cell): Cell | null =>
  value === null || value === undefined ? null : text(value)

function stateFacts(job: JobDetail): Facts {
  return [
    ['job', `${job.id} ${job.name}`],
    ['owner', job.owner],
    ['kind', job.kind],
    ['state', stateCell(job)],
    ['why', whyText(job) || null],
    ['tasks', countsText(job) || null],
    ['node', job.node],
    ['wanted', job.wanted.what === 'run' ? null : wantedText(job)],
    ['schedule', job.schedule],
    ['submitted', timeText(job.submittedAt)],
    ['started', unless(job.startedAt, timeText)],
    ['finished', unless(job.finishedAt, timeText)],
    ['restarts', job.kind === 'continuous' ? job.restarts : null],
  ]
}

function wantedText({ wanted }: JobDetail): string {
  return `${wanted.what}, by ${wanted.by}${wanted.why === '' ? '' : `: ${wanted.why}`}`
}

/** Of a schedule only what its owner said of the job. */
type Described = Omit<JobRequest, 'after'> & {
  after?: readonly { job: number | string; on: string }[]
}

export function specFacts(spec: Described): Facts {
  const where = Object.entries(spec.where ?? {}).map(([key, value]) => `${key}=${value}`)
  const resources = Object.entries(spec.resources ?? {}).map(([name, n]) => `${name}=${n}`)
  const variables = [spec.env, spec.secretEnv].flatMap((said) => Object.keys(said ?? {}))
  return [
    ['command', spec.command.map(quoted).join(' ')],
    ['directory', spec.cwd],
    ['variables', variables.join(' ') || null],
    ['input', unless(spec.stdin, String)],
    ['output', unless(spec.out, String)],
    ['errors', unless(spec.err, String)],
    ['slots', unless(spec.slots, String)],
    ['processor', unless(spec.cpuCores, (cores) => `${cores} cores at most`)],
    ['memory', unless(spec.memBytes, sizeText)],
    ['processes', unless(spec.pids, (pids) => `${pids} at most`)],
    ['time limit', unless(spec.timeMs, formatDuration)],
    ['warned', spec.timeMs ? unless(spec.warn, warnText) : null],
    ['queue', unless(spec.queue, String)],
    ['where', where.join(' ') || null],
    ['resources', resources.join(' ') || null],
    ['priority', spec.priority || null],
    ['after', spec.after?.map(({ job, on }) => `${job}:${on}`).join(' ') || null],
    ['not before', unless(spec.beginAt, timeText)],
    ['array', unless(spec.array, arrayText)],
    ['at once', unless(spec.maxRunning, (tasks) => counted(tasks, 'task'))],
    ['retry', spec.retry ? counted(spec.retry, 'time') : null],
    ['check', unless(spec.check, checkText)],
    ['silence', unless(spec.silenceMs, (ms) => `unhealthy after ${formatDuration(ms)}`)],
    ['restart', spec.kind === 'continuous' ? (spec.restart ?? null) : null],
    ['stop', unless(spec.stop, stopText)],
    ['cut off', unless(spec.onPartition, cutOffText)],
  ]
}

const arrayText = ({ from, to, step }: NonNullable<JobSpec['array']>): string =>
  `${from}-${to}${step === 1 ? '' : `:${step}`}`
const warnText = ({ signal, beforeMs }: JobSpec['warn']): string =>
  `${signal}, ${formatDuration(beforeMs)} before the time limit`
const stopText = ({ signal, graceMs }: JobSpec['stop']): string =>
  `${signal}, SIGKILL after ${formatDuration(graceMs)}`
const cutOffText = (what: JobSpec['onPartition']): string =>
  what === 'stop' ? 'stops, to run elsewhere' : 'keeps running there'

function pastFacts({ past }: JobDetail): Facts {
  if (!past) return []
  const { runs, peakMemBytes, advice } = past
  const peaked = `${counted(runs, 'run')} peaked at ${sizeText(peakMemBytes)}`
  return [
    ['before', peaked],
    ['advice', advice],
  ]
}

function checkText({ probe, intervalMs, threshold }: NonNullable<JobSpec['check']>): string {
  const what = probe.kind === 'http' ? probe.url : probe.argv.map(quoted).join(' ')
  return `${what} every ${formatDuration(intervalMs)}, restarted after ${threshold} failures`
}

/** As one would type it. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

function tasksText(tasks: readonly TaskView[], look: Look): string {
  return table(
    [
      { title: 'TASK', cell: indexText, right: true },
      { title: 'STATE', cell: stateCell },
      { title: 'NODE', cell: ({ node }) => node ?? '-' },
      { title: 'WHY', cell: whyText },
    ],
    tasks,
    look,
  )
}

function runsText(tasks: readonly TaskView[], look: Look): string {
  const rows = tasks.flatMap((task) =>
    'runs' in task ? (task.runs ?? []).map((run) => ({ ...run, index: task.index })) : [],
  )
  if (rows.length === 0) return ''
  const now = (run: Run) => (run.endedAt === null ? (run.usage?.memBytes ?? null) : null)
  const measured = rows.some((run) => now(run) !== null)
  const several = new Set(rows.map(({ index }) => index)).size > 1
  type Row = Run & { index: number }
  return table(
    [
      ...(several ? [{ title: 'TASK', cell: ({ index }: Row) => index }] : []),
      { title: 'RUN', cell: ({ number }) => number, right: true },
      { title: 'NODE', cell: ({ node }) => node },
      { title: 'PID', cell: ({ pid }) => pid ?? '-', right: true },
      { title: 'STARTED', cell: ({ startedAt }) => timeText(startedAt) },
      { title: 'ENDED', cell: ({ endedAt }) => timeText(endedAt) },
      { title: 'CPU', cell: ({ usage }) => durationText(usage?.cpuMs), right: true },
      ...(measured
        ? [{ title: 'MEM', cell: (run: Row) => sizeText(now(run)), right: true as const }]
        : []),
      { title: 'PEAK', cell: ({ usage }) => sizeText(usage?.peakMemBytes ?? null), right: true },
      { title: 'CAUSE', cell: ({ cause }) => (cause === null ? '' : causeText(cause)) },
    ],
    rows,
    look,
  )
}

const durationText = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? '-' : formatDuration(ms)

function timelineText({ timeline, array }: JobDetail, look: Look): string {
  if (timeline.length === 0) return ''
  return table(
    [
      { title: 'WHEN', cell: ({ at }) => timeText(at) },
      {
        title: 'WHAT',
        cell: ({ what, task }) => (task === null || array === null ? what : `${what} (${task})`),
      },
      {
        title: 'DETAIL',
        cell: ({ detail, by }) => printable(by ? `${detail} (by ${by})` : detail),
      },
    ],
    timeline,
    look,
  )
}

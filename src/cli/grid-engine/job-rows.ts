/** Jobs as Grid Engine lists them: a row for each running task, and one for the waiting tasks of a job. */
import type { JobSummary, TaskView } from '../../../proto/job.ts'
import { shownQueue } from './queue-names.ts'

export type Row = {
  job: JobSummary
  /** `r`, `qw`, `hqw`, `Eqw`, `s`, `dr`, … */
  state: string
  isRunning: boolean
  /** Start of what runs, submission of what waits: milliseconds since 1970. */
  at: number
  node: string | null
  /** 0 for what may not start; the scheduler's own order is by priority and age. */
  prior: number
  /** Of an array: `3`, `4,5` or `1-10:3`. */
  tasks: string | null
  /** What `-s h…` asks for. */
  held: 'user' | 'job' | 'time' | null
}

/** Running ones first, then what may start by priority, then what may not. */
export function rowsOf(jobs: readonly JobSummary[], now: number, isUngrouped = false): Row[] {
  const rows = jobs.flatMap((job) => jobRows(job, now, isUngrouped))
  const rank = (row: Row) => (row.isRunning ? 0 : 1)
  return rows.toSorted(
    (a, b) =>
      rank(a) - rank(b) || b.prior - a.prior || a.job.id - b.job.id || firstTask(a) - firstTask(b),
  )
}

const firstTask = ({ tasks }: Row) => Number.parseInt(tasks ?? '0', 10)

const running: Readonly<Partial<Record<TaskView['state'], string>>> = {
  placed: 't',
  running: 'r',
  backoff: 'r',
  suspended: 's',
  stopping: 'dr',
  unreachable: 'r',
}

function jobRows(job: JobSummary, now: number, isUngrouped: boolean): Row[] {
  const rows: Row[] = []
  const waiting = new Map<string, [from: number, to: number, step: number][]>()
  for (const task of job.unfinished ?? []) {
    const letter = running[task.state]
    const index = 'index' in task ? task.index : null
    if (letter !== undefined && index !== null) {
      const again = task.state === 'running' && task.epoch > 1
      rows.push({
        ...waitingRow(job, now),
        state: again ? 'Rr' : letter,
        isRunning: true,
        at: Date.parse(task.since ?? job.startedAt ?? job.submittedAt),
        node: task.node,
        prior: priorOf(job),
        tasks: job.array === null ? null : String(index),
        held: null,
      })
      continue
    }
    const state = waitingState(job, task)
    const stretch: [number, number, number] =
      'index' in task ? [task.index, task.index, 1] : [...task.range, task.step]
    waiting.set(state, [...(waiting.get(state) ?? []), stretch])
  }
  for (const [state, stretches] of waiting) {
    const row = { ...waitingRow(job, now), state }
    const lists = isUngrouped ? indexesOf(stretches).map(String) : [tasksText(stretches)]
    for (const tasks of job.array === null ? [null] : lists) rows.push({ ...row, tasks })
  }
  return rows
}

function waitingRow(job: JobSummary, now: number): Row {
  const held = heldBy(job, now)
  return {
    job,
    state: 'qw',
    isRunning: false,
    at: Date.parse(job.submittedAt),
    node: null,
    prior: held === null ? priorOf(job) : 0,
    tasks: null,
    held,
  }
}

function heldBy(job: JobSummary, now: number): Row['held'] {
  if (job.state === 'held' || job.counts.held > 0) return 'user'
  if ((job.waitsFor ?? []).length > 0) return 'job'
  const begin = job.beginAt ?? null
  return begin !== null && Date.parse(begin) > now ? 'time' : null
}

/** One that has run and is held again did so by its exit code: Grid Engine's error state. */
function waitingState(job: JobSummary, task: TaskView): string {
  if (task.state === 'held') return task.epoch > 0 ? 'Eqw' : 'hqw'
  if ((job.waitsFor ?? []).length > 0) return 'hqw'
  return task.epoch > 0 ? 'Rq' : 'qw'
}

/** Between 0 and 1, in the middle for what said nothing. */
const priorOf = (job: JobSummary): number =>
  Math.min(1, Math.max(0.00001, 0.5 + job.priority / 2048))

type Stretch = readonly [from: number, to: number, step: number]

const tasksText = (stretches: readonly Stretch[]): string =>
  stretches
    .map(([from, to, step]) => {
      if (from === to) return String(from)
      return from + step === to ? `${from},${to}` : `${from}-${lastOf(from, to, step)}:${step}`
    })
    .join(',')

const lastOf = (from: number, to: number, step: number) =>
  from + Math.floor((to - from) / step) * step

const indexesOf = (stretches: readonly Stretch[]): number[] =>
  stretches.flatMap(([from, to, step]) =>
    Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, at) => from + at * step),
  )

export const instanceOf = ({ job, node }: Row): string =>
  node === null ? '' : `${shownQueue(job.queue)}@${node}`

const two = (value: number) => String(value).padStart(2, '0')

/** `11/22/2026 17:06:31`, local. */
export function textTime(at: number): string {
  const date = new Date(at)
  const day = `${two(date.getMonth() + 1)}/${two(date.getDate())}/${date.getFullYear()}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** `2026-11-22T17:06:31`, local. */
export function xmlTime(at: number): string {
  const [day = '', time = ''] = textTime(at).split(' ')
  const [month, date, year] = day.split('/')
  return `${year}-${month}-${date}T${time}`
}

/** `Sun Nov 22 17:06:31 2026`, local. */
export function longTime(at: number): string {
  const date = new Date(at)
  const [weekday, month] = [
    ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][date.getDay()],
    'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')[date.getMonth()],
  ]
  const [, time] = textTime(at).split(' ')
  return `${weekday} ${month} ${two(date.getDate())} ${time} ${date.getFullYear()}`
}

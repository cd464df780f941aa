/** States and times in words, for people. Causes are worded in proto/words. */
import type { JobSummary, TaskView } from '../../proto/job.ts'
import type { NodeView } from '../../proto/node.ts'
import { formatDuration, formatSize } from '../../proto/resources.ts'
import { causeText } from '../../proto/words.ts'
import type { Cell, Tone } from './render/table.ts'

type Stated = Pick<JobSummary, 'state' | 'outcome' | 'crashLoop'>

export function stateCell({ state, outcome, crashLoop }: Stated): Cell {
  const text = state === 'finished' ? (outcome ?? 'finished') : crashLoop ? 'crash loop' : state
  const tone = tones[text]
  return tone === undefined ? text : { text, tone }
}

const tones: Readonly<Record<string, Tone>> = {
  running: 'good',
  succeeded: 'good',
  failed: 'bad',
  'crash loop': 'bad',
  unreachable: 'bad',
  backoff: 'warn',
  suspended: 'warn',
  stopping: 'warn',
  held: 'warn',
  pending: 'dim',
  placed: 'dim',
  cancelled: 'dim',
}

/** Why it is as it is: the reason of a waiting one, the cause of an ended one. */
export function whyText(job: Pick<JobSummary, 'state' | 'reason' | 'cause'>): string {
  if (job.state === 'finished') return job.cause === null ? '' : causeText(job.cause)
  return job.reason ?? ''
}

/** `3 running, 97 pending` of an array; empty for a plain job. */
export function countsText(job: Pick<JobSummary, 'array' | 'counts'>): string {
  if (job.array === null) return ''
  return Object.entries(job.counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ')
}

export function nodeStateCell(node: NodeView): Cell {
  const text = [
    node.state,
    ...(node.drain ? [node.drain.state] : node.cordoned ? ['cordoned'] : []),
  ]
  const tone =
    node.state === 'lost' || node.state === 'silent'
      ? 'bad'
      : text.length > 1 || node.state === 'joining'
        ? 'warn'
        : 'good'
  return { text: text.join(', '), tone }
}

/** How long ago, for tables; a dash where it never was. */
export const agoText = (at: string | null, now: number): string =>
  at === null ? '-' : formatDuration(Math.max(0, Math.round((now - Date.parse(at)) / 1000) * 1000))

const two = (value: number): string => String(value).padStart(2, '0')

/** Local time to the second, as people read it. */
export function timeText(at: string | null): string {
  if (at === null) return '-'
  const time = new Date(at)
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
}

export const sizeText = (bytes: number | null): string => (bytes === null ? '-' : formatSize(bytes))

/** The task numbers of a view: `3`, `4-100`, `4-100:2`. */
export function indexText(task: TaskView): string {
  if ('index' in task) return String(task.index)
  const [from, to] = task.range
  return from === to ? String(from) : `${from}-${to}${task.step === 1 ? '' : `:${task.step}`}`
}

/** Of a list that its limit has cut. */
export const moreText = (shown: number): string =>
  `there are more than these ${shown}: see them with a greater limit, as --limit ${10 * shown}`

/** `1 job`, `3 jobs`. */
export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`

/** Queues: those that exist from the start, and what a job that names one is told. */
import type { Refusal } from '../../proto/errors.ts'
import type { JobSpec } from '../../proto/job.ts'
import type { QueueRequest, QueueSpec } from '../../proto/queue.ts'
import { formatDuration, formatSize } from '../../proto/resources.ts'
import { isEmpty, queueLabel, queueOfLabel } from './placement/shape.ts'
import type { Result } from './result.ts'

export type Queue = QueueSpec & { closed: { by: string; why: string; at: number } | null }

export const filledQueue = (request: QueueRequest): Queue => ({
  priority: 0,
  kinds: ['task', 'continuous'],
  nodes: [],
  where: {},
  users: [],
  groups: [],
  slots: null,
  jobs: null,
  taskMemBytes: null,
  timeMs: null,
  closed: null,
  ...request,
})

export const builtInQueues: readonly Queue[] = [
  filledQueue({ name: 'continuous', priority: 10, kinds: ['continuous'] }),
  filledQueue({ name: 'task', kinds: ['task'] }),
]
export const isBuiltIn = (name: string): boolean => builtInQueues.some((one) => one.name === name)

const hasNodes = ({ nodes, where }: Queue): boolean => nodes.length > 0 || !isEmpty(where)

/** Whether a node with these labels (its name among them) is one of the queue's. */
export const takesNode = (
  { nodes, where }: Queue,
  labels: Readonly<Record<string, string>>,
): boolean =>
  (nodes.length === 0 || nodes.includes(labels['node'] ?? '')) &&
  Object.entries(where).every(([label, value]) => labels[label] === value)

/** The label that jobs of this queue ask for beside their own; null where any node will do. */
export const markOf = (queue: Queue | undefined): string | null =>
  queue !== undefined && hasNodes(queue) ? queueLabel(queue.name) : null

/** Group -> who is in it. */
type Members = ReadonlyMap<string, ReadonlySet<string>>

const mayUse = ({ users, groups }: Queue, owner: string, members: Members): boolean =>
  users.length + groups.length === 0 ||
  users.includes(owner) ||
  groups.some((group) => members.get(group)?.has(owner) === true)

/** What the queue makes of a job: its time limit where the job says none, or why it does not take it. */
export function admitToQueue(
  queues: ReadonlyMap<string, Queue>,
  spec: JobSpec,
  who: { owner: string; members: Members; live: number },
): Result<JobSpec> {
  const queue = queues.get(spec.queue)
  if (queue === undefined) return { ok: false, refusal: unknown(queues, spec) }
  const timeMs = spec.timeMs ?? queue.timeMs
  const filled = timeMs === spec.timeMs ? spec : { ...spec, timeMs }
  const problem = problemOf(queue, filled, who)
  return problem === null ? { ok: true, value: filled } : { ok: false, refusal: problem }
}

const unknown = (queues: ReadonlyMap<string, Queue>, { queue }: JobSpec): Refusal => ({
  code: 'refused',
  detail: `there is no queue "${queue}"`,
  hint: `queues here: ${[...queues.keys()].join(', ')}`,
})

function problemOf(
  queue: Queue,
  spec: JobSpec,
  { owner, members, live }: { owner: string; members: Members; live: number },
): Refusal | null {
  const { name, kinds, jobs } = queue
  if (!kinds.includes(spec.kind))
    return refused(
      `queue "${name}" does not take ${spec.kind} jobs`,
      `leave --queue out, or take "${spec.kind}"`,
    )
  if (!mayUse(queue, owner, members)) {
    const allowed = [...queue.users, ...queue.groups.map((group) => `members of ${group}`)]
    const detail = `queue "${name}" is not for ${owner}: it is for ${allowed.join(', ')}`
    return { code: 'forbidden', detail, hint: 'leave --queue out, or ask an operator' }
  }
  if (jobs !== null && live >= jobs)
    return {
      code: 'over-quota',
      detail: `queue "${name}" has ${live} live jobs, and takes ${jobs}`,
      hint: 'wait until some have ended, or take another queue',
    }
  return problemForQueue(queue, spec)
}

/** Also of a job that is edited. */
export function problemForQueue(
  { name, taskMemBytes, timeMs }: Queue,
  spec: JobSpec,
): Refusal | null {
  const mark = Object.keys(spec.where).find((label) => queueOfLabel(label) !== null)
  if (mark !== undefined)
    return refused(`${mark} is no label: nodes bear it for a queue`, 'say --queue NAME instead')
  if (taskMemBytes !== null && spec.memBytes > taskMemBytes) {
    const most = formatSize(taskMemBytes)
    return refused(
      `${formatSize(spec.memBytes)} of memory is more than queue "${name}" gives a task: ${most}`,
      `ask for --mem ${most} or less, or take another queue`,
    )
  }
  if (timeMs !== null && (spec.timeMs ?? Infinity) > timeMs) {
    const most = formatDuration(timeMs)
    const asked = spec.timeMs === null ? 'no time limit' : formatDuration(spec.timeMs)
    return refused(
      `${asked} is more than queue "${name}" lets a run take: ${most}`,
      `ask for --time ${most} or less, or take another queue`,
    )
  }
  return null
}

const refused = (detail: string, hint: string): Refusal => ({ code: 'refused', detail, hint })

/** What keeps all of a queue waiting now, for `eg explain`. */
export function queueBlocker(
  queue: Queue,
  slots: number,
  held: number,
): { code: string; detail: string; wayOut: string | null } | null {
  const { name, closed } = queue
  if (closed !== null) {
    const why = closed.why === '' ? '' : `: ${closed.why}`
    const detail = `queue "${name}" was closed by ${closed.by}${why}`
    return {
      code: 'queue-closed',
      detail,
      wayOut: `wait until it is open (\`eg queue open ${name}\`, for operators), or take another queue`,
    }
  }
  if (queue.slots === null || held + slots <= queue.slots) return null
  return {
    code: 'queue-full',
    detail: `it asks for ${slots} slots, queue "${name}" holds ${held}, and may hold ${queue.slots}`,
    wayOut:
      slots > queue.slots
        ? `ask for ${queue.slots} slots or less, or take another queue`
        : 'wait until one of its tasks ends, or take another queue',
  }
}

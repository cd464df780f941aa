/** Queues, for people. */
import type { QueueView } from '../../../proto/queue.ts'
import { formatDuration } from '../../../proto/resources.ts'
import { sizeText, timeText } from '../words.ts'
import { facts, table, type Cell, type Look } from './table.ts'

const stateCell = ({ closed }: QueueView): Cell =>
  closed === null ? { text: 'open', tone: 'good' } : { text: 'closed', tone: 'warn' }

const ofLimit = (used: number, limit: number | null): string =>
  limit === null ? String(used) : `${used}/${limit}`

export const queuesText = (queues: readonly QueueView[], look: Look): string =>
  table(
    [
      { title: 'QUEUE', cell: ({ name }) => name },
      { title: 'STATE', cell: stateCell },
      { title: 'PRIORITY', cell: ({ priority }) => priority, right: true },
      { title: 'KINDS', cell: ({ kinds }) => kinds.join(',') },
      { title: 'NODES', cell: ({ nodesNow }) => nodesNow, right: true },
      { title: 'SLOTS', cell: ({ slotsHeld, slots }) => ofLimit(slotsHeld, slots), right: true },
      { title: 'JOBS', cell: ({ live, jobs }) => ofLimit(live, jobs), right: true },
      { title: 'PENDING', cell: ({ pending }) => pending, right: true },
      { title: 'FOR', cell: whoText },
    ],
    queues,
    look,
  )

function whoText({ users, groups }: QueueView): string {
  const who = [...users, ...groups.map((group) => `@${group}`)]
  return who.length === 0 ? 'everybody' : who.join(' ')
}

export function queueText(queue: QueueView, look: Look): string {
  const { closed, nodes, where, taskMemBytes, timeMs } = queue
  const labels = Object.entries(where).map(([label, value]) => `${label}=${value}`)
  const chosen = [...nodes, ...labels].join(' ')
  return facts(
    [
      ['queue', queue.name],
      ['state', stateCell(queue)],
      ['closed by', closed && `${closed.by} at ${timeText(closed.at)}`],
      ['why', closed?.why || null],
      ['priority', queue.priority],
      ['kinds', queue.kinds.join(', ')],
      ['for', whoText(queue)],
      ['nodes', `${chosen === '' ? 'any' : chosen} (${queue.nodesNow} now)`],
      ['slots held', ofLimit(queue.slotsHeld, queue.slots)],
      ['live jobs', ofLimit(queue.live, queue.jobs)],
      ['tasks', `${queue.placed} placed, ${queue.pending} waiting`],
      ['task memory', taskMemBytes === null ? null : `at most ${sizeText(taskMemBytes)}`],
      ['time limit', timeMs === null ? null : `at most ${formatDuration(timeMs)}`],
    ],
    look,
  )
}

/** What a queue is, from the options of `queue add` and `queue edit`. */
import type { QueueEdit } from '../../../proto/queue.ts'
import { dropUndefined } from '../job-options.ts'
import { jobKinds } from '../job-words.ts'
import type { OptionTable, Values } from '../options.ts'
import { duration, oneOf, pairs, size, whole, type Maybe } from '../values.ts'

export const queueOptions = {
  priority: { value: 'N', help: 'what waits in a higher queue starts first (-1000 to 1000)' },
  kind: { value: 'KIND', help: 'of jobs that it takes: task, continuous or any' },
  node: { value: 'NAME', many: true, help: 'a node that it may use; "any" for all' },
  where: { value: 'KEY=VALUE', many: true, help: 'a label that its nodes must have; "any"' },
  user: { value: 'NAME', many: true, help: 'who may use it; "any" for everybody' },
  group: { value: 'NAME', many: true, help: 'a unix group whose members may use it; "any"' },
  slots: { value: 'N', help: 'held at once by all of it, or none' },
  jobs: { value: 'N', help: 'live jobs in it, or none' },
  mem: { value: 'SIZE', help: 'most memory of one task, or none' },
  time: { value: 'DURATION', help: 'longest time limit, and that of jobs that say none; or none' },
} as const satisfies OptionTable

type QueueOptions = Values<typeof queueOptions>

export function queueEdit(values: QueueOptions): QueueEdit {
  const where = listOf(values.where)
  return dropUndefined({
    priority: whole('priority', values.priority, [-1000, 1000]),
    kinds: kindsOf(values.kind),
    nodes: listOf(values.node),
    where: where && pairs('where', where),
    users: listOf(values.user),
    groups: listOf(values.group),
    slots: orNone(values.slots, (text) => whole('slots', text, [0, 2 ** 31])),
    jobs: orNone(values.jobs, (text) => whole('jobs', text, [0, 2 ** 31])),
    taskMemBytes: orNone(values.mem, (text) => size('mem', text)),
    timeMs: orNone(values.time, (text) => duration('time', text)),
  })
}

function kindsOf(text: Maybe<string>): Maybe<QueueEdit['kinds']> {
  const kind = oneOf('kind', text, [...jobKinds, 'any'])
  return kind === undefined ? undefined : kind === 'any' ? [...jobKinds] : [kind]
}

/** Nothing said stays nothing; `any` takes back what was said before. */
const listOf = (words: readonly string[]): Maybe<string[]> =>
  words.length === 0 ? undefined : words.filter((word) => word !== 'any')

const orNone = (
  text: Maybe<string>,
  read: (text: Maybe<string>) => Maybe<number>,
): Maybe<number | null> => (text === 'none' ? null : read(text))

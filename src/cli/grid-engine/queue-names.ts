/** Queues by Grid Engine's names: `all.q` is the one that every one-off job is in where nothing else is said. */
import { rejected } from './failure.ts'
import { matches } from './values.ts'

/** `all.q` over all nodes is our queue `task`; any other name is the same on both sides. */
export const shownQueue = (queue: string): string => (queue === 'task' ? 'all.q' : queue)
const ownQueue = (name: string): string => (name === 'all.q' ? 'task' : name)

export type AskedQueue = { name: string; shown: string; where: Record<string, string> }

/** `QUEUE`, `QUEUE@HOST`, `*@HOST`, `QUEUE@@allhosts`, and lists of them, of which the first is taken. */
export function askedQueue(list: string): AskedQueue | null {
  const [first = ''] = list.split(',').filter((one) => one !== '')
  const at = first.indexOf('@')
  const queue = at < 0 ? first : first.slice(0, at)
  const host = at < 0 ? '' : first.slice(at + 1)
  if (host.startsWith('@') && host !== '@allhosts')
    throw rejected(
      `Job was rejected because job requests unknown host group "${host}" (here are labels: -l LABEL=VALUE)`,
    )
  const where = host === '' || host.startsWith('@') || host === '*' ? {} : hostLabel(host)
  const name = /[*?[]/.test(queue) && matches(queue, 'all.q') ? 'all.q' : queue
  return { name: ownQueue(name), shown: name, where }
}

function hostLabel(host: string): Record<string, string> {
  if (/[*?[]/.test(host))
    throw rejected(
      `a pattern of hosts ("${host}") cannot be asked for here; name a label: -l LABEL=VALUE`,
    )
  return { hostname: host }
}

/** Nothing where it is the usual one: the scheduler knows which that is. */
export const pickQueue = (queue: AskedQueue | null): { queue?: string } =>
  queue === null || queue.name === 'task' ? {} : { queue: queue.name }

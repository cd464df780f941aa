/** What runs on nodes and the scheduler's database does not know: which runs these are, and waiting for their end. */
import { setTimeout as delay } from 'node:timers/promises'

import type { ActionReply } from '../../proto/api-jobs.ts'
import type { NodeStateName, NodeView } from '../../proto/node.ts'
import type { Client } from '../client/client.ts'

export type UnknownRun = {
  node: string
  state: NodeStateName
  /** As its node shows it: `17.3`, or of a run without a record its own name, as `17.3.EPOCH.RUN`. */
  shown: string
  /** `17.3`; null where the name tells none: then no stop can mean it. */
  task: string | null
  epoch: number
  detail: string
}

const pollMs = 500

export const unknownRuns = (nodes: readonly NodeView[]): UnknownRun[] =>
  nodes.flatMap(({ name: node, state, unknownRuns: runs }) =>
    runs.map(({ task: shown, epoch, detail }) => {
      const task = /^(\d+\.\d+)(?:\.\d+\.\d+)?$/.exec(shown)?.[1] ?? null
      return { node, state, shown, task, epoch, detail }
    }),
  )

/** Those of the jobs and tasks that a stop was answered for. */
export function meantBy(done: ActionReply['done'], runs: readonly UnknownRun[]): UnknownRun[] {
  const refs = new Set(done.map(({ job, task }) => (task === null ? `${job}` : `${job}.${task}`)))
  return runs.filter(
    ({ task }) => task !== null && (refs.has(task) || refs.has(task.split('.')[0] ?? '')),
  )
}

/** Until nothing of `asked` is there, or `isEnough` says so of what is; what is shown then, of whatever kind. */
export async function untilUnknownGone(
  grid: Client,
  asked: readonly UnknownRun[],
  isEnough: (left: readonly UnknownRun[]) => boolean,
): Promise<UnknownRun[]> {
  for (;;) {
    const { nodes } = await grid.call('listNodes')
    const left = leftOf(asked, nodes)
    if (left.length === 0 || isEnough(left)) return unknownRuns(nodes)
    await delay(pollMs)
  }
}

function leftOf(asked: readonly UnknownRun[], nodes: readonly NodeView[]): UnknownRun[] {
  const states = new Map(nodes.map(({ name, state }) => [name, state]))
  const there = new Set(unknownRuns(nodes).map(keyOf))
  return asked.flatMap((run) => {
    const state = states.get(run.node)
    if (state === undefined) return []
    // A scheduler that has started since does not know of any until the node has reported.
    return there.has(keyOf(run)) || state === 'joining' ? [{ ...run, state }] : []
  })
}

/** A placement whose record is gone is the same run. */
export const keyOf = ({ node, shown, task, epoch }: UnknownRun): string =>
  JSON.stringify([node, task ?? shown, epoch])

/** `17.3 on node1, which is silent`. */
export const placeOf = ({ shown, node, state }: UnknownRun): string =>
  `${shown} on ${node}${state === 'up' ? '' : `, which is ${state}`}`

const listedAtMost = 10

export const placesOf = (runs: readonly UnknownRun[]): string =>
  `${runs.slice(0, listedAtMost).map(placeOf).join('; ')}${runs.length > listedAtMost ? '; …' : ''}`

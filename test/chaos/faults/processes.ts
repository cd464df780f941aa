/** kill -9, and SIGSTOP for a while, of each kind of process, alone and in pairs. */
import { readFileSync } from 'node:fs'

import { fenceOf, runsOf, type ChaosNode } from '../grid.ts'
import { lease } from '../pace.ts'
import { aNode, oneOf, wait, type Around, type Fault } from './fault.ts'

const kinds = ['scheduler', 'agent', 'fence', 'shepherd', 'job'] as const
type Kind = (typeof kinds)[number]

const nameOf: Record<Kind, string> = {
  scheduler: 'node',
  agent: 'node',
  fence: 'fence',
  shepherd: 'shepherd',
  job: 'worker',
}

/** A number in a file may be of a process that is long gone: only one that still has the name is meant. */
function isStill(pid: number, kind: Kind): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === nameOf[kind]
  } catch {
    return false
  }
}

/** The process of that kind on a node; of shepherds and jobs one by chance, or all. */
function pidsOf(around: Around, kind: Kind, node: ChaosNode, all = false): number[] {
  const { grid, random } = around
  const chosen = (list: number[]) => (all || list.length === 0 ? list : [oneOf(random, list)])
  const found: Record<Kind, () => (number | null)[]> = {
    scheduler: () => [grid.scheduler.pid],
    agent: () => [node.agent.pid],
    fence: () => [fenceOf(node)],
    shepherd: () => chosen(runsOf(node).map(({ shepherd }) => shepherd)),
    job: () => chosen(runsOf(node).flatMap(({ command }) => command ?? [])),
  }
  return found[kind]().filter((pid): pid is number => pid !== null && isStill(pid, kind))
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch {
      // It was quicker.
    }
  }
}

/** Agent and fence live: without the fence, what next harms the agent could be where the promise ends. */
export function isKept(node: ChaosNode): boolean {
  const fence = fenceOf(node)
  const agent = node.agent.pid
  return agent !== null && isStill(agent, 'agent') && fence !== null && isStill(fence, 'fence')
}

/** A busy node is more to the point than an empty one. */
function busyNode(around: Around): ChaosNode {
  const busy = around.grid.nodes.filter((node) => runsOf(node).length > 0)
  return busy.length > 0 ? oneOf(around.random, busy) : aNode(around)
}

async function kill(around: Around, victims: readonly Kind[]): Promise<void> {
  const node = busyNode(around)
  const apartMs = around.random.pick([0, 0, 20, 200, 1_500]) ?? 0
  for (const [nth, kind] of victims.entries()) {
    if (nth > 0 && apartMs > 0) await wait(apartMs)
    const pids = pidsOf(around, kind, node)
    around.tell(`kill -9 ${kind} ${pids.join(' ')} (${node.name})`)
    signal(pids, 'SIGKILL')
  }
}

async function freeze(around: Around, victims: readonly Kind[]): Promise<void> {
  const { random } = around
  const node = busyNode(around)
  const forMs = random.pick([1_000, 4_000, 9_000, 25_000]) ?? 1_000
  const pids = victims.flatMap((kind) => pidsOf(around, kind, node))
  around.tell(`SIGSTOP ${victims.join(' and ')} ${pids.join(' ')} (${node.name}) for ${forMs} ms`)
  signal(pids, 'SIGSTOP')
  await wait(forMs)
  signal(pids, 'SIGCONT')
}

const pairs = kinds.flatMap((one, at) => kinds.slice(at + 1).map((other) => [one, other] as const))
/** Whose death ends no run. A shepherd's leaves its run alive, but without its exit status. */
const ours = new Set<Kind>(['scheduler', 'agent', 'fence', 'shepherd'])

const alone = kinds.map((kind): Fault => ({
  kind: `kill ${kind}`,
  weight: 3,
  touchesNobody: ours.has(kind),
  run: (around) => kill(around, [kind]),
}))

const together = pairs.map((pair): Fault => ({
  kind: `kill ${pair.join(' + ')}`,
  weight: 1,
  touchesNobody: pair.every((kind) => ours.has(kind)),
  run: (around) => kill(around, pair),
}))

const frozen = kinds.map((kind): Fault => ({
  kind: `freeze ${kind}`,
  weight: 1,
  run: (around) => freeze(around, [kind]),
}))

const frozenTogether: Fault = {
  kind: 'freeze a pair',
  weight: 2,
  run: (around) => freeze(around, oneOf(around.random, pairs)),
}

/** All that watches over the runs of a node. */
export function killKeepers(around: Around, node: ChaosNode): void {
  const pids = (['agent', 'fence', 'shepherd'] as const).flatMap((kind) =>
    pidsOf(around, kind, node, true),
  )
  around.tell(`kill -9 agent, fence and shepherds ${pids.join(' ')} (${node.name})`)
  signal(pids, 'SIGKILL')
}

/** All three at once; the agent comes back at once and finds the runs by its records. */
const everyKeeper: Fault = {
  kind: 'kill agent + fence + all shepherds, agent back at once',
  weight: 2,
  touchesNobody: true,
  run(around) {
    killKeepers(around, busyNode(around))
    return Promise.resolve()
  },
}

/** As a container that is killed: all processes of a node, the jobs too, in the same boot. */
const wholeNode: Fault = {
  kind: 'kill all of a node',
  weight: 2,
  run(around) {
    const node = busyNode(around)
    const pids = kinds.slice(1).flatMap((kind) => pidsOf(around, kind, node, true))
    around.tell(`kill -9 everything of ${node.name}: ${pids.join(' ')}`)
    signal(pids, 'SIGKILL')
    return Promise.resolve()
  },
}

const agentAway: Fault = {
  kind: 'agent away past its lease',
  weight: 2,
  async run(around) {
    const node = busyNode(around)
    around.tell(`kill -9 agent of ${node.name}, kept away past its lease`)
    node.agent.keepAway()
    signal(pidsOf(around, 'agent', node), 'SIGKILL')
    await wait(lease.endMs + around.random.between(0, 4_000))
    node.agent.start()
  },
}

const schedulerAway: Fault = {
  kind: 'scheduler away past the leases',
  weight: 1,
  async run(around) {
    around.tell('kill -9 scheduler, kept away past the leases')
    around.grid.scheduler.keepAway()
    signal(pidsOf(around, 'scheduler', aNode(around)), 'SIGKILL')
    await wait(lease.endMs + around.random.between(0, 4_000))
    around.grid.scheduler.start()
  },
}

export const processFaults: readonly Fault[] = [
  ...alone,
  ...together,
  ...frozen,
  frozenTogether,
  everyKeeper,
  wholeNode,
  agentAway,
  schedulerAway,
]

/** The way between scheduler and a node: cut, cut in one direction, refusing, slow, losing, doubling, reordering. */
import type { Rules } from '../link.ts'
import { lease } from '../pace.ts'
import { aNode, needsEnclosure, oneOf, wait, type Around, type Fault } from './fault.ts'

const cut = { lossPercent: 100 }

/** Short of its lease, or past it; where leases take minutes, always past them, for the figures. */
function forAWhile({ random }: Around): number {
  const past = lease.endMs + random.between(lease.isUsual ? 0 : -3_000, 6_000)
  return lease.isUsual ? past : (random.pick([2_000, 8_000, past]) ?? 2_000)
}

function bad(kind: string, rules: Rules, weight = 1): Fault {
  return {
    kind,
    weight,
    impossible: needsEnclosure,
    async run(around) {
      const node = aNode(around)
      const forMs = forAWhile(around)
      around.tell(`${kind} (${node.name}) for ${Math.round(forMs)} ms`)
      await node.link?.set(rules)
      await wait(forMs)
      await node.link?.heal()
    },
  }
}

const refusing: Fault = {
  kind: 'connections refused in the scheduler’s place, rule off',
  weight: 2,
  impossible: needsEnclosure,
  async run(around) {
    const node = oneOf(
      around.random,
      around.grid.nodes.filter(({ refusalRenews }) => !refusalRenews),
    )
    const forMs = lease.endMs + around.random.between(0, 6_000)
    around.tell(
      `somebody else refuses connections to the scheduler from ${node.name} for ${Math.round(forMs)} ms`,
    )
    node.link?.reject(true, around.grid.host)
    await wait(forMs)
    node.link?.reject(false, around.grid.host)
  },
}

const allCut: Fault = {
  kind: 'all nodes cut off',
  weight: 1,
  impossible: needsEnclosure,
  async run(around) {
    const forMs = forAWhile(around)
    around.tell(`all nodes cut off for ${Math.round(forMs)} ms`)
    const links = around.grid.nodes.flatMap(({ link }) => link ?? [])
    await Promise.all(links.map((link) => link.set({ up: cut, down: cut })))
    await wait(forMs)
    await Promise.all(links.map((link) => link.heal()))
  },
}

/** On and off at the pace of the reports: sessions that begin and never come to an end. */
const flapping: Fault = {
  kind: 'flapping link',
  weight: 1,
  impossible: needsEnclosure,
  async run(around) {
    const node = aNode(around)
    around.tell(`${node.name} on and off`)
    for (let nth = 0; nth < 12; nth += 1) {
      await node.link?.set({ up: cut, down: cut })
      await wait(around.random.between(200, 2_500))
      await node.link?.heal()
      await wait(around.random.between(50, 800))
    }
  },
}

export const networkFaults: readonly Fault[] = [
  bad('partition', { up: cut, down: cut }, 4),
  bad('one way: nothing leaves the node', { up: cut }, 2),
  bad('one way: nothing reaches the node', { down: cut }, 2),
  bad('slow link', { up: { delayMs: 800, jitterMs: 700 }, down: { delayMs: 800, jitterMs: 700 } }),
  bad('lossy link', { up: { lossPercent: 30 }, down: { lossPercent: 30 } }),
  bad('doubling, reordering link', {
    up: { delayMs: 5, jitterMs: 60, doublePercent: 30 },
    down: { delayMs: 5, jitterMs: 60, doublePercent: 30 },
  }),
  flapping,
  allCut,
  refusing,
]

/** What the kernel's own netem can do to a link, each for shorter and for longer than a lease. */
import type { Random } from '../../sim/random.ts'
import type { Rule } from '../link.ts'
import { NetemLink } from '../netem-link.ts'
import { lease } from '../pace.ts'
import { aNode, wait, type Around, type Fault } from './fault.ts'

const kinds: Record<string, (random: Random) => Rule> = {
  'delay with jitter': (random) => ({
    delayMs: random.int(200, 1_000),
    jitterMs: random.int(200, 1_500),
  }),
  'loss of 10-40 %': (random) => ({ lossPercent: random.int(10, 40) }),
  'loss of everything': () => ({ lossPercent: 100 }),
  duplicate: (random) => ({ doublePercent: random.int(20, 60) }),
  reorder: (random) => ({ delayMs: random.int(50, 500), reorderPercent: random.int(20, 60) }),
  corrupt: (random) => ({ corruptPercent: random.int(2, 15) }),
  rate: (random) => ({ rateKbit: random.int(4, 32) }),
  'all at once': (random) => ({
    delayMs: random.int(50, 300),
    jitterMs: random.int(50, 600),
    lossPercent: random.int(5, 20),
    doublePercent: random.int(5, 30),
    reorderPercent: random.int(5, 30),
    corruptPercent: random.int(1, 5),
    rateKbit: random.int(64, 256),
  }),
}

const lengths: Record<string, (random: Random) => number> = {
  'shorter than a lease': (random) => random.between(lease.silentMs, lease.termMs),
  'longer than a lease': (random) => lease.endMs + random.between(0, 6_000),
}

/** Below that, it may have been luck that none was lost. */
const manyPackets = 100

export const netemFaults: readonly Fault[] = Object.entries(kinds).flatMap(([what, ruleOf]) =>
  Object.entries(lengths).map(([length, forMs]) => ({
    kind: `${what}, ${length}`,
    weight: 1,
    impossible: ({ grid }: Around) =>
      grid.nodes.every(({ link }) => link instanceof NetemLink)
        ? null
        : 'not in a machine with netem',
    run: (around: Around) => lay(around, ruleOf(around.random), forMs(around.random)),
  })),
)

async function lay(around: Around, rule: Rule, forMs: number): Promise<void> {
  const { name, link } = aNode(around)
  if (!(link instanceof NetemLink)) throw new Error(`${name} has no link with netem`)
  around.tell(`netem on the link of ${name} for ${(forMs / 1000).toFixed(0)} s: ${told(rule)}`)
  await link.set({ up: rule, down: rule })
  await wait(forMs)
  const { carried, dropped, badChecksums } = link.toll
  await link.heal()
  around.tell(
    `netem carried ${carried} packets and dropped ${dropped}; ${badChecksums} came with a wrong checksum`,
  )
  // Otherwise nothing was laid, and nothing is shown.
  const mustDrop = (rule.lossPercent ?? 0) >= 10 && carried + dropped > manyPackets
  if (mustDrop && dropped === 0) throw new Error('a lossy link lost nothing')
}

const told = (rule: Rule) =>
  Object.entries(rule)
    .map(([what, number]) => `${what} ${number}`)
    .join(', ')

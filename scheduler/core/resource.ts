/** Named resources: what a job that asks for one is told. */
import type { Refusal } from '../../proto/errors.ts'
import type { Asks, Resources } from './placement/resources.ts'

/** Why a job that asks for this is refused; null where it may wait for it. */
export function problemOfAsks(resources: Resources, asks: Asks | null): Refusal | null {
  for (const [name, amount] of asks ?? []) {
    const totals = resources.totals(name)
    if (totals === null) return unknown(resources, name)
    const { most, where } = mostOf(resources, name)
    if (amount <= most) continue
    return {
      code: 'can-never-run',
      detail: `it asks for ${amount} of resource "${name}", and there are ${most} ${where}`,
      hint:
        most > 0
          ? `ask for ${most} or less: --resource ${name}=${most}`
          : `ask without it, or ask an operator for more: eg resource set ${name}=N`,
    }
  }
  return null
}

function unknown(resources: Resources, name: string): Refusal {
  const known = resources.names()
  return {
    code: 'refused',
    detail: `there is no resource "${name}"`,
    hint:
      known.length === 0
        ? `none is defined here; operators do that: eg resource set ${name}=N`
        : `resources here: ${known.join(', ')}`,
  }
}

/** What one task may get of it at most, were nothing of it taken. */
function mostOf(resources: Resources, name: string): { most: number; where: string } {
  const { total, nodes } = resources.totals(name) ?? { total: 0, nodes: new Map<string, number>() }
  // A node of which nothing is said has as much as the grid.
  if (total !== null) return { most: total, where: 'in all' }
  return { most: Math.max(0, ...nodes.values()), where: 'on the node that has most' }
}

/** A part of what is taken, for people. */
export type Holder = { job: number; owner: string; amount: number }

type Blocker = { code: string; detail: string; wayOut: string | null }

/** What keeps a task from every node, since the grid as a whole has too little left: one for each such resource. */
export function gridBlockers(
  resources: Resources,
  asks: Asks | null,
  holdersOf: (name: string) => readonly Holder[],
): Blocker[] {
  return (asks ?? []).flatMap(([name, amount]): Blocker[] => {
    const free = resources.freeInGrid(name)
    if (free >= amount) return []
    const totals = resources.totals(name)
    const wants = `it asks for ${amount} of resource "${name}"`
    if (totals === null)
      return [
        {
          code: 'resource',
          detail: `${wants}, which is not defined any more`,
          wayOut: 'stop it, or ask an operator to define it again',
        },
      ]
    const total = totals.total ?? 0
    const detail = `${wants}: ${Math.max(0, free)} of ${total} are free; ${heldText(holdersOf(name))}`
    return [{ code: 'resource', detail, wayOut: wayOutOf(name, amount, total, free) }]
  })
}

function wayOutOf(name: string, amount: number, total: number, free: number): string {
  if (amount > total)
    return total > 0
      ? `ask for ${total} or less: --resource ${name}=${total}`
      : 'wait until an operator gives more of it'
  return `wait until ${amount - free} more are given back: \`eg resource show ${name}\` says who holds them`
}

const shownHolders = 3

/** Who holds most first. */
export function heldText(holders: readonly Holder[]): string {
  if (holders.length === 0) return 'nobody holds any'
  const byJob = new Map<number, Holder>()
  for (const one of holders) {
    const amount = (byJob.get(one.job)?.amount ?? 0) + one.amount
    byJob.set(one.job, { ...one, amount })
  }
  const all = [...byJob.values()].sort((a, b) => b.amount - a.amount || a.job - b.job)
  const some = all
    .slice(0, shownHolders)
    .map(({ job, owner, amount }) => `job ${job}${owner === '' ? '' : ` of ${owner}`} (${amount})`)
  const rest = all.length - some.length
  return `held by ${some.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

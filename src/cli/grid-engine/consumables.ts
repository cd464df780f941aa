/** Of what `-l` names beside Grid Engine's own complexes: what is a named resource of the grid is a consumable, the rest are labels of nodes. */
import { ClientError } from '../../client/client-error.ts'
import type { Client } from '../../client/client.ts'
import { rejected } from './failure.ts'
import type { Made } from './job-request.ts'

/** Asks the scheduler only where something is named that it may have defined. */
export async function withConsumables(client: Client, made: Made): Promise<Made> {
  if (made.labels.length === 0) return made
  return consumablesOf(made, await definedOn(client))
}

async function definedOn(client: Client): Promise<ReadonlySet<string>> {
  try {
    const { resources } = await client.call('listResources')
    return new Set(resources.map(({ name }) => name))
  } catch (error) {
    // A scheduler of a version that has none.
    if (error instanceof ClientError && error.code === 'not-found') return new Set()
    throw error
  }
}

export function consumablesOf(made: Made, defined: ReadonlySet<string>): Made {
  const consumables = made.labels.filter((label) => defined.has(label))
  if (consumables.length === 0) return made
  const { where = {}, ...request } = made.request
  const asked = consumables.map((name) => [name, amountOf(name, where[name] ?? '')] as const)
  const resources = Object.fromEntries(asked.filter(([, amount]) => amount > 0))
  const rest = Object.fromEntries(
    Object.entries(where).filter(([name]) => !consumables.includes(name)),
  )
  return {
    ...made,
    request: {
      ...request,
      ...(Object.keys(rest).length > 0 ? { where: rest } : {}),
      ...(Object.keys(resources).length > 0 ? { resources } : {}),
    },
    labels: made.labels.filter((label) => !defined.has(label)),
  }
}

/** Named without a value it is one of it. */
function amountOf(name: string, value: string): number {
  if (value === 'TRUE') return 1
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw rejected(`attribute "${name}" is not an integer value`)
}

/** Who could do what is refused to others: names for the sentences that say so. */
import type { Role } from '../../../proto/rights.ts'

/** Unix group whose members act on nodes, queues and everybody's jobs. */
export const operatorsGroup = 'evergrid-operators'

export type RoleHolders = {
  /** The account that runs the grid: always a manager. */
  maker: string
  roles: ReadonlyMap<string, { role: Role }>
}
export type WhoCould = { operators: string; managers: string }

const mostNamed = 5

export function whoCould({ maker, roles }: RoleHolders): WhoCould {
  const named = [...roles].filter(([owner]) => owner !== maker)
  const managers = named.filter(([, { role }]) => role === 'manager').map(([owner]) => owner)
  return {
    operators: `${list([maker, ...named.map(([owner]) => owner)])}, and members of the unix group ${operatorsGroup}`,
    managers: list([maker, ...managers]),
  }
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, mostNamed)
  const more = names.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more of \`eg role list\`` : shown.join(', ')
}

/** Members of the operators' group, asked of the machine at most every few seconds. */
import { groupMembers } from '../../../src/lib/accounts.ts'
import { operatorsGroup } from '../../core/identity/who-could.ts'

const freshMs = 5000

export function operatorsWatch(now: () => number, look = () => groupMembers(operatorsGroup)) {
  let known: { at: number; members: Promise<ReadonlySet<string>> } | null = null
  return async (owner: string): Promise<boolean> => {
    if (known === null || now() - known.at > freshMs) {
      // Whom the machine cannot name has no rights: a directory that is down must not open a door.
      const members = look().then(
        (names): ReadonlySet<string> => new Set(names),
        (): ReadonlySet<string> => new Set(),
      )
      known = { at: now(), members }
    }
    return (await known.members).has(owner)
  }
}

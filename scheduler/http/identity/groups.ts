/** The unix groups of callers, asked of the machine at most every few seconds for each. */
import { groupsOf } from '../../../src/lib/accounts.ts'

const freshMs = 5000
const mostKept = 10_000

export function groupsWatch(now: () => number, look = groupsOf) {
  const known = new Map<string, { at: number; groups: Promise<readonly string[]> }>()
  return (owner: string): Promise<readonly string[]> => {
    const found = known.get(owner)
    if (found !== undefined && now() - found.at <= freshMs) return found.groups
    if (known.size >= mostKept) known.clear()
    // Whom the machine cannot name is in no group: a directory that is down must not open a door.
    const groups = look(owner).catch((): readonly string[] => [])
    known.set(owner, { at: now(), groups })
    return groups
  }
}

/** Names of parallel environments. All give slots of one node; a site adds the names that its scripts say. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const usual = ['make', 'mpi', 'smp']
const fileName = 'parallel_environments'

/** In a cell's common folder: one name on each line. */
export const environmentFile = (common: string): string => join(common, fileName)

/** The usual ones, and those in the tree that $SGE_ROOT and $SGE_CELL lead to. */
export function environmentNames(env: Readonly<Record<string, string | undefined>>): string[] {
  const { SGE_ROOT: root, SGE_CELL: cell } = env
  const own = root ? namesIn(environmentFile(join(root, cell || 'default', 'common'))) : []
  return [...new Set([...usual, ...own])].toSorted()
}

function namesIn(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /^[A-Za-z_][\w.@+-]*$/.test(line))
  } catch {
    return []
  }
}

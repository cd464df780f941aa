/** In which boot the run folders were last taken over: `boot` in the node's folder. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { bootId } from './boot.ts'
import { replaceSmall } from './small-file.ts'

const noteOf = (nodeDir: string) => join(nodeDir, 'boot')

/** Null where that is not known: empty, where a loss of power tore the note itself. */
export function notedBoot(nodeDir: string): string | null {
  try {
    return readFileSync(noteOf(nodeDir), 'utf8')
  } catch {
    return null
  }
}

export function noteBoot(nodeDir: string): void {
  try {
    // Gone first: where the new one cannot be written (a full disk), the old one must not speak at the next start.
    rmSync(noteOf(nodeDir), { force: true })
    replaceSmall(noteOf(nodeDir), bootId)
  } catch {
    // Not known then.
  }
}

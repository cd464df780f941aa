/** Which `eg up` runs a data folder: up.json for `eg`, up.pid for scripts. At most one, whoever comes at once. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { identityOf, isRunning, type Identity } from './process-identity.ts'

export type UpFile = Identity & { url: string }

/** Null: it is ours now; else who has it. */
export function claim(folder: string, url: string): UpFile | null {
  const path = join(folder, 'up.json')
  const draft = `${path}.${process.pid}`
  const identity = identityOf(process.pid)
  writeFileSync(draft, JSON.stringify({ ...identity, url }), { mode: 0o644 })
  try {
    for (;;) {
      try {
        // A link is made by one only; a rename would be done by both.
        linkSync(draft, path)
        writeFileSync(join(folder, 'up.pid'), `${process.pid}\n`)
        return null
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = readUpFile(folder)
      if (holder !== null) return holder
      const aside = `${path}.old.${process.pid}`
      renameSync(path, aside)
      rmSync(aside)
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** The running `eg up` of this folder. */
export function readUpFile(folder: string): UpFile | null {
  try {
    const found = JSON.parse(readFileSync(join(folder, 'up.json'), 'utf8')) as UpFile
    return isRunning(found) ? found : null
  } catch {
    return null
  }
}

export function release(folder: string): void {
  rmSync(join(folder, 'up.pid'), { force: true })
  rmSync(join(folder, 'up.json'), { force: true })
}

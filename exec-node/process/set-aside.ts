/**
 * Records of runs that cannot be read: `damaged/KEY.MS.BOOT`, where the name says the boot for as long as processes of
 * the run may live, and `damaged/KEY.MS` afterwards, to be looked at.
 */
import { mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'

import { bootId } from './boot.ts'
import type { RunKey } from './run-driver.ts'

/** Where a damaged record lies now, and what is told of it. */
export type SetAside = { place: string; detail: string }

const ending = `.${bootId}`

const movedTo = (place: string): SetAside => ({
  place,
  detail: `damaged record, set aside to ${place}`,
})

export function asideFolder(nodeDir: string) {
  const damaged = join(nodeDir, 'damaged')
  /** Runs of this boot that are not known to be over. */
  const kept = new Set<RunKey>()
  const places = async (): Promise<[RunKey, string][]> =>
    (await readdir(damaged))
      .filter((name) => name.endsWith(ending))
      .map((name) => [name.slice(0, -ending.length).replace(/\.\d+$/, ''), join(damaged, name)])
  /** An operator may take the whole folder away. */
  const prepare = () => mkdir(damaged, { recursive: true, mode: 0o700 })
  return {
    prepare,
    /** Null where it cannot be moved. */
    async put(key: RunKey, folder: string, isOver: boolean): Promise<SetAside | null> {
      const place = join(damaged, `${key}.${Date.now()}${isOver ? '' : ending}`)
      try {
        await prepare()
        await rename(folder, place)
      } catch {
        return null
      }
      if (!isOver) kept.add(key)
      return movedTo(place)
    },
    async list(): Promise<(readonly [RunKey, SetAside])[]> {
      const found = (await places()).map(([key, place]) => [key, movedTo(place)] as const)
      for (const [key] of found) kept.add(key)
      return found
    },
    /** Its run is over. An operator may have taken the record away, or the whole folder. */
    async letGo(key: RunKey): Promise<void> {
      if (!kept.delete(key)) return
      for (const [of, place] of await places().catch(() => []))
        if (of === key) await rename(place, place.slice(0, -ending.length)).catch(() => {})
    },
  }
}

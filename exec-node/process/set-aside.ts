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
  const places = async (): Promise<[RunKey, string][]> =>
    (await readdir(damaged))
      .filter((name) => name.endsWith(ending))
      .map((name) => [name.slice(0, -ending.length).replace(/\.\d+$/, ''), join(damaged, name)])
  return {
    prepare: () => mkdir(damaged, { recursive: true, mode: 0o700 }),
    /** Null where it cannot be moved. */
    async put(key: RunKey, folder: string): Promise<SetAside | null> {
      const place = join(damaged, `${key}.${Date.now()}${ending}`)
      return rename(folder, place).then(
        () => movedTo(place),
        () => null,
      )
    },
    /** Those of this boot that are not known to be over. */
    list: async () => (await places()).map(([key, place]) => [key, movedTo(place)] as const),
    /** Its run is over. */
    async letGo(key: RunKey): Promise<void> {
      for (const [of, place] of await places())
        if (of === key) await rename(place, place.slice(0, -ending.length))
    },
  }
}

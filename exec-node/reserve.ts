/** Room on the disk that is given up when it is full, so that starts, stops, leases and ends can still be written. */
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const reserveBytes = 4 * 2 ** 20

export function reserveIn(dataDir: string) {
  const path = join(dataDir, 'reserve')
  const size = () =>
    stat(path).then(
      (found) => found.size,
      () => null,
    )
  const giveUp = () => rm(path, { force: true })
  return {
    async keep(): Promise<void> {
      if ((await size()) === reserveBytes) return
      try {
        await writeFile(path, Buffer.alloc(reserveBytes, 1), { mode: 0o600 })
      } catch {
        // No room for it now: it is made when a placement next goes.
        await giveUp().catch(() => {})
      }
    },
    async write<T>(what: () => Promise<T> | T): Promise<T> {
      try {
        return await what()
      } catch (error) {
        if (!isFull(error) || (await size()) === null) throw error
        await giveUp()
        return what()
      }
    },
  }
}

const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')

/** Who vouches for the scheduler: named by the join token, kept beside the node's identity, trusted from then on alone. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { authorityShownAt } from '../src/client/secure-connection.ts'
import { tellJoined, writeTrusted } from '../src/client/trusted.ts'
import { certificatesIn } from '../src/lib/authority.ts'
import type { Shown } from './identity.ts'

export const authorityFile = (dataDir: string): string => join(dataDir, 'authority.pem')

/** Tries until a scheduler answers; one that shows another authority than the token names is refused, and nothing is sent. */
export async function pinAuthority(
  { url, dataDir }: Shown,
  fingerprint: string | null,
): Promise<void> {
  if (fingerprint === null) return
  if (!url.startsWith('https:')) {
    throw new Error(
      `the join token is of a grid with TLS, and ${url} is plain HTTP: write https:// in place of http://`,
    )
  }
  for (let told = false; ; told = true) {
    try {
      const certificate = await authorityShownAt(url, fingerprint)
      writeTrusted(authorityFile(dataDir), [certificate])
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EVERGRID_NOT_PROVEN') throw error
      if (!told)
        process.stderr.write(`eg: waiting to join at ${url}: ${(error as Error).message}\n`)
      await delay(1_000)
    }
  }
}

/** Accounts of this machine may call the grid that its node has joined. */
export function tellAccounts({ url, dataDir }: Shown): void {
  const certificates = keptIn(dataDir)
  if (url.startsWith('https:') && certificates.length > 0) tellJoined(url, certificates)
}

function keptIn(dataDir: string): string[] {
  try {
    return certificatesIn(readFileSync(authorityFile(dataDir), 'utf8'))
  } catch {
    return []
  }
}

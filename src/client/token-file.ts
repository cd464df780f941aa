/** The token of a file proof, kept between commands in a file that only its owner can read. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

import { addressOf } from '../lib/loopback.ts'

export type KeptToken = { token: string; expiresAt: string }

/** A token that ends this soon is not worth showing. */
const marginMs = 60_000

function tokenPath(url: string): string {
  const { host, port } = addressOf(url)
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(cache, 'evergrid', `token-${host.replace(/[^A-Za-z0-9.-]/g, '_')}-${port}`)
}

export async function keptToken(url: string): Promise<string | null> {
  try {
    const kept = JSON.parse(await readFile(tokenPath(url), 'utf8')) as Partial<KeptToken>
    const fresh = Date.parse(kept.expiresAt ?? '') - Date.now() > marginMs
    return fresh && typeof kept.token === 'string' ? kept.token : null
  } catch {
    return null
  }
}

/** Without a place to keep it (no home, disk full) the token still serves this process. */
export async function keepToken(url: string, kept: KeptToken): Promise<void> {
  const path = tokenPath(url)
  const draft = `${path}.${process.pid}`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await rm(draft, { force: true })
    await writeFile(draft, JSON.stringify(kept), { mode: 0o600, flag: 'wx' })
    await rename(draft, path)
  } catch {
    await rm(draft, { force: true }).catch(() => {})
  }
}

export const dropToken = (url: string): Promise<void> => rm(tokenPath(url), { force: true })

/** The token that a login has won, kept between commands in a file that only its owner can read. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

import { makeFolders } from '../lib/folder.ts'
import { addressOf } from '../lib/loopback.ts'

export type KeptToken = { token: string; expiresAt: string }

/** A token that ends this soon is not worth showing. */
const marginMs = 60_000

function tokenPath(url: string): string {
  const { host, port } = addressOf(url)
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(cache, 'evergrid', `token-${host.replace(/[^A-Za-z0-9.-]/g, '_')}-${port}`)
}

export function keptToken(url: string): string | null {
  try {
    const kept = JSON.parse(readFileSync(tokenPath(url), 'utf8')) as Partial<KeptToken>
    const fresh = Date.parse(kept.expiresAt ?? '') - Date.now() > marginMs
    return fresh && typeof kept.token === 'string' ? kept.token : null
  } catch {
    return null
  }
}

/** Without a place to keep it (no home, disk full) the token still serves this process. */
export function keepToken(url: string, kept: KeptToken): void {
  const path = tokenPath(url)
  const draft = `${path}.${process.pid}`
  try {
    makeFolders(dirname(path), 0o700)
    rmSync(draft, { force: true })
    writeFileSync(draft, JSON.stringify(kept), { mode: 0o600, flag: 'wx' })
    renameSync(draft, path)
  } catch {
    discard(draft)
  }
}

export const dropToken = (url: string): void => rmSync(tokenPath(url), { force: true })

function discard(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // It is not there, or its folder is not to be written.
  }
}

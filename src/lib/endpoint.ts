/** Rendezvous on one machine: where a scheduler keeps its data folder, found by those who know only its URL. */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

import { makeFolders } from './folder.ts'
import { addressOf } from './loopback.ts'

/**
 * `uid` is whom the scheduler runs as; `data` the folder that holds its secrets; `authority`, where it speaks TLS,
 * the certificate of whoever vouches for it.
 */
export type Endpoint = {
  data: string
  pid: number
  grid: string
  uid: number
  authority?: string
}
export type Address = { host: string; port: number }

const ownUid = () => process.getuid?.() ?? 0
const stateFolder = () =>
  join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'evergrid')

/** The data folder of a grid for daily use. */
export function dataFolderDefault(): string {
  return process.env['EVERGRID_DATA'] || (ownUid() === 0 ? '/var/lib/evergrid' : stateFolder())
}

const rootFolder = '/run/evergrid/endpoints'
const ownFolder = () => (ownUid() === 0 ? rootFolder : join(stateFolder(), 'endpoints'))

/** A scheduler that listens everywhere, or at a name for loopback, is found under its IPv4 loopback address. */
function fileName({ host, port }: Address): string {
  const everywhere = ['0.0.0.0', '::', 'localhost'].includes(host.toLowerCase())
  return `${everywhere ? '127.0.0.1' : host.replace(/[^A-Za-z0-9.-]/g, '_')}-${port}.json`
}

/** Written whole or not at all; readable by all, for it holds no secret. */
export function writeEndpoint(address: Address, endpoint: Endpoint): void {
  const folder = ownFolder()
  makeFolders(folder)
  // Explicitly: the umask of a daemon may hide even what is meant for all.
  if (ownUid() === 0) for (const each of [dirname(folder), folder]) chmodSync(each, 0o755)
  const path = join(folder, fileName(address))
  const draft = `${path}.${process.pid}`
  rmSync(draft, { force: true })
  writeFileSync(draft, JSON.stringify(endpoint), { flag: 'wx' })
  chmodSync(draft, 0o644)
  renameSync(draft, path)
}

/** Removes what this process wrote, never what a successor has put in its place. */
export function removeEndpoint(address: Address): void {
  const path = join(ownFolder(), fileName(address))
  if (readEndpoint(path)?.pid === process.pid) rmSync(path, { force: true })
}

/** One's own grid first, then root's; one whose process is gone only if no other is known. */
export function findEndpoint(url: string): Endpoint | null {
  const name = fileName(addressOf(url))
  const known = [...new Set([ownFolder(), rootFolder])]
    .map((folder) => readEndpoint(join(folder, name)))
    .filter((endpoint) => endpoint !== null)
  return known.find((endpoint) => isAlive(endpoint.pid)) ?? known[0] ?? null
}

export const defaultUrl = 'http://127.0.0.1:6444'

/** Where the scheduler is when nobody has said: by https, where the one there speaks TLS. */
export const usualUrl = (): string =>
  findEndpoint(defaultUrl)?.authority === undefined ? defaultUrl : 'https://127.0.0.1:6444'

/** Only what root or oneself wrote is believed. */
function readEndpoint(path: string): Endpoint | null {
  let file: number | undefined
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { uid } = fstatSync(file)
    if (uid !== 0 && uid !== ownUid()) return null
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isEndpoint(found) ? found : null
  } catch {
    return null
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function isEndpoint(value: unknown): value is Endpoint {
  if (typeof value !== 'object' || value === null) return false
  const { data, pid, grid, uid, authority } = value as Record<string, unknown>
  return (
    (authority === undefined || typeof authority === 'string') &&
    typeof data === 'string' &&
    typeof pid === 'number' &&
    typeof grid === 'string' &&
    typeof uid === 'number'
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Which authority may vouch for the scheduler at an address: the first that somebody with a right to say so has said. */
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

import { certificatesIn } from '../lib/authority.ts'
import { dataFolderDefault, findEndpoint } from '../lib/endpoint.ts'
import { makeFolders } from '../lib/folder.ts'
import { addressOf } from '../lib/loopback.ts'

/** `certificates`: PEM, one or, while an authority is replaced, several. `from`: the file, or what else said so. */
export type Trusted = { certificates: string[]; from: string }

const ownUid = () => process.getuid?.() ?? 0

/** For all accounts of this machine: root's to write, for one scheduler each, or one for all schedulers. */
const siteFolder = '/etc/evergrid/authorities'
const siteFile = '/etc/evergrid/authority.pem'
/** What root's exec-nodes on this machine have joined. */
const joinedFolder = '/run/evergrid/authorities'
const ownFolder = () =>
  join(process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'evergrid/authorities')

function fileName(url: string): string {
  const { host, port } = addressOf(url)
  return `${host.toLowerCase().replace(/[^a-z0-9.-]/g, '_')}-${port}.pem`
}

/** `kept` is what a daemon has beside its identity: where it is there, nothing else counts. */
export function trustedAt(url: string, kept?: string): Trusted | null {
  const endpoint = findEndpoint(url)
  return (
    (kept === undefined ? null : readTrusted(kept)) ??
    (endpoint?.authority === undefined
      ? null
      : found(endpoint.authority, `the scheduler's own word on this machine`)) ??
    readTrusted(join(ownFolder(), fileName(url))) ??
    readTrusted(join(siteFolder, fileName(url))) ??
    readTrusted(siteFile) ??
    readTrusted(join(joinedFolder, fileName(url))) ??
    readTrusted(join(dataFolderDefault(), 'scheduler/authority.pem')) ??
    readTrusted(join(dataFolderDefault(), 'authority.pem'))
  )
}

/** Only what root or oneself wrote, and nobody else could have, is believed. */
function readTrusted(path: string): Trusted | null {
  let file: number | undefined
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { uid, mode } = fstatSync(file)
    if ((uid !== 0 && uid !== ownUid()) || (mode & 0o022) !== 0) return null
    return found(readFileSync(file, 'utf8'), path)
  } catch {
    return null
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function found(text: string, from: string): Trusted | null {
  const certificates = certificatesIn(text)
  return certificates.length === 0 ? null : { certificates, from }
}

/** From now on these vouch for the scheduler at `url`; of root for all accounts of this machine. */
export function trust(url: string, certificates: readonly string[]): string {
  const path = join(ownUid() === 0 ? siteFolder : ownFolder(), fileName(url))
  writeTrusted(path, certificates)
  return path
}

/** What a node of this machine has joined its accounts may call. Only root can say so; others keep it for themselves. */
export function tellJoined(url: string, certificates: readonly string[]): void {
  if (ownUid() === 0) writeTrusted(join(joinedFolder, fileName(url)), certificates)
}

export function writeTrusted(path: string, certificates: readonly string[]): void {
  const draft = `${path}.${process.pid}`
  const made = makeFolders(dirname(path))
  // Explicitly: a narrow umask of root's may hide even what is meant for all.
  if (made !== undefined && ownUid() === 0) openFolders(dirname(path), made)
  rmSync(draft, { force: true })
  writeFileSync(draft, certificates.map((pem) => `${pem.trim()}\n`).join(''), { flag: 'wx' })
  chmodSync(draft, 0o644)
  renameSync(draft, path)
}

function openFolders(last: string, first: string): void {
  chmodSync(last, 0o755)
  if (last !== first) openFolders(dirname(last), first)
}

/** Where the secrets of a grid may lie, most certain first; what cannot be read is not ours to use. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { dataFolderDefault, findEndpoint } from '../lib/endpoint.ts'
import { addressOf, isLoopback } from '../lib/loopback.ts'

/** A scheduler's secrets: 32 random bytes, hex. */
const readSecret = (path: string): string | null => {
  try {
    const text = readFileSync(path, 'utf8').trim()
    return /^[0-9a-f]{64}$/.test(text) ? text : null
  } catch {
    return null
  }
}

const schedulerFolders = (url: string, dataDir?: string): string[] => [
  ...[findEndpoint(url)?.data].filter((folder) => folder !== undefined),
  ...(dataDir === undefined ? [] : [dataDir, join(dirname(dataDir), 'scheduler')]),
  ...(isMeant(url) ? [join(dataFolderDefault(), 'scheduler'), dataFolderDefault()] : []),
]

/** What lies in the usual folder is of a grid on this machine: a scheduler elsewhere must not be shown it unasked. */
const isMeant = (url: string): boolean =>
  isLoopback(addressOf(url).host) || Boolean(process.env['EVERGRID_DATA'])

const found = (folders: string[], name: string): string[] => [
  ...new Set(
    folders.map((folder) => readSecret(join(folder, name))).filter((secret) => secret !== null),
  ),
]

/** Secrets with which a person's program may be known to the scheduler at `url`. */
export const userSecrets = (url: string): string[] => found(schedulerFolders(url), 'secret')

/** What an exec-node shows: from `file` if told, else from beside its own data folder, or as the endpoint says. */
export function findNodeSecret(of: {
  url: string
  dataDir?: string | undefined
  file?: string | undefined
}): string | null {
  if (of.file !== undefined) return readSecret(of.file)
  return found(schedulerFolders(of.url, of.dataDir), 'node-secret')[0] ?? null
}

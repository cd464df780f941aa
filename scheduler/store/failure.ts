/** What SQLite and the file system say, as one of the few kinds that the scheduler acts on. */
import { StoreError } from './store.ts'

const kinds: readonly [prefix: string, kind: StoreError['kind'], words: string][] = [
  ['SQLITE_FULL', 'full', 'the disk is full: make room'],
  ['ENOSPC', 'full', 'the disk is full: make room'],
  ['EDQUOT', 'full', 'the disk quota is used up: make room'],
  ['SQLITE_READONLY', 'read-only', 'the database cannot be written'],
  ['SQLITE_CANTOPEN', 'read-only', 'the database cannot be opened'],
  ['SQLITE_PERM', 'read-only', 'the database cannot be written'],
  ['EROFS', 'read-only', 'the file system is read-only'],
  ['EACCES', 'read-only', 'it cannot be written'],
  ['EPERM', 'read-only', 'it cannot be written'],
  ['SQLITE_BUSY', 'locked', 'another process holds the database'],
  ['SQLITE_LOCKED', 'locked', 'another process holds the database'],
  ['SQLITE_CORRUPT', 'damaged', 'the database is damaged: restore a backup'],
  ['SQLITE_NOTADB', 'damaged', 'the file is not a database, or damaged: restore a backup'],
]

export function toStoreError(cause: unknown, path: string): StoreError {
  if (cause instanceof StoreError) return cause
  const code =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  const said = cause instanceof Error ? cause.message : String(cause)
  const found = kinds.find(([prefix]) => code.startsWith(prefix))
  if (found === undefined) return new StoreError('failed', `${path}: ${said}`, { cause })
  return new StoreError(found[1], `${path}: ${found[2]} (${said})`, { cause })
}

/** Runs `work`; what it throws leaves as a StoreError. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw toStoreError(error, path)
  }
}

/** The data folder: made private, checked before a database is trusted to it. */
import { chmodSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { folderProblem, makeFolders } from '../../src/lib/folder.ts'
import { StoreError } from './store.ts'

export const databaseIn = (folder: string): string => join(folder, 'evergrid.db')

/** Creates the folder if need be; returns the path of the database in it. */
export function prepareDataFolder(folder: string): string {
  try {
    makeFolders(folder, 0o700)
  } catch (error) {
    throw new StoreError(
      'read-only',
      `cannot make the data folder ${folder}: ${folderProblem(error)}; choose another with --data`,
      { cause: error },
    )
  }
  const { uid, mode } = statSync(folder)
  const self = process.geteuid?.() ?? uid
  if (uid !== self)
    throw new StoreError(
      'failed',
      `the data folder ${folder} belongs to uid ${uid}, but this is uid ${self}: run as its owner, ` +
        `or choose another folder`,
    )
  if ((mode & 0o077) === 0) return databaseIn(folder)
  if (readdirSync(folder).length > 0)
    throw new StoreError(
      'failed',
      `other accounts can look into the data folder ${folder}: run chmod 700 ${folder}`,
    )
  // Made by hand a moment ago: nothing in it could have been seen yet.
  chmodSync(folder, 0o700)
  return databaseIn(folder)
}

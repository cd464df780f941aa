/** `eg backup`, `eg restore` and `eg check` as a process beside the scheduler: flags in, one JSON answer out. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

import type {
  BackupDone,
  CheckDone,
  DatabaseAnswer,
  DatabaseCalls,
  RestoreDone,
} from '../../proto/database.ts'
import { iso } from '../../proto/ids.ts'
import { packageVersion } from '../../src/lib/package-version.ts'
import { backUp } from '../store/backup.ts'
import { checkFile, mendFile } from '../store/check-folder.ts'
import { toStoreError } from '../store/failure.ts'
import { migrationsIn } from '../store/migrate.ts'
import { databaseIn } from '../store/open.ts'
import { restore } from '../store/restore.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: '.' },
    file: { type: 'string', default: '' },
    overwrite: { type: 'boolean', default: false },
    mend: { type: 'boolean', default: false },
  },
})
const folder = resolve(values.data)
const file = values.file === '' ? '' : resolve(values.file)
const { overwrite } = values
const now = Date.now()
const schema = migrationsIn().length

const calls: { [C in keyof DatabaseCalls]: () => DatabaseCalls[C] } = {
  backup(): BackupDone {
    const version = packageVersion()
    const facts = backUp({ folder, file, overwrite, version, now, schema })
    return { file, madeAt: iso(now), version, ...facts }
  },
  restore(): RestoreDone {
    const { madeAt, ...facts } = restore({ folder, file, overwrite, now, schema })
    return { ...facts, madeAt: iso(madeAt) }
  },
  check(): CheckDone {
    const database = file === '' ? databaseIn(folder) : file
    return values.mend ? mendFile({ database, schema, now }) : checkFile({ database, schema })
  },
}

function answer(): DatabaseAnswer<unknown> {
  const call = calls[positionals[0] as keyof DatabaseCalls]
  try {
    return { ok: true, value: call() }
  } catch (error) {
    const { kind, message } = toStoreError(error, folder)
    return { ok: false, kind, detail: message }
  }
}

process.stdout.write(`${JSON.stringify(answer())}\n`)

/** `eg restore`: puts a backup in the place of the scheduler's database. */
import { resolve } from 'node:path'

import type { RestoreDone } from '../../proto/database.ts'
import { defineCommand } from './command.ts'
import { askDatabase, dataOption, schedulerFolder } from './daemons/database.ts'
import { json } from './render/json.ts'
import { counted, timeText } from './words.ts'

export const command = defineCommand({
  usage: '[OPTION…] FILE',
  options: {
    ...dataOption,
    overwrite: { help: 'take the place of the database that is there; it is kept aside' },
  },
  operands: [1, 1],
  notes: `Refused while a scheduler runs on the folder. FILE is proved first. The next start of the scheduler goes ahead with numbers,
and what nodes run that the backup does not know is shown and left alone.`,
  async run({ values, operands: [file = ''], terminal }) {
    const flags = {
      data: schedulerFolder(values.data),
      file: resolve(terminal.cwd, file),
      overwrite: values.overwrite,
    }
    const done = await askDatabase('restore', flags, {
      hints: { exists: 'say --overwrite to put the backup in its place; it is kept aside' },
    })
    terminal.out(values.json ? json(done) : restoredText(done))
    return 0
  },
})

function sinceText(since: RestoreDone['since']): string[] {
  if (since === null)
    return [
      'tokens, roles, shares and identities of nodes are as they were then: revoke again what was revoked since',
    ]
  const { joined, withdrawn } = since
  return [
    joined.length === 0 ? '' : `nodes that joined since are known: ${joined.join(', ')}`,
    withdrawn === 0
      ? ''
      : `tokens, roles, shares and identities that were withdrawn since stay so: ${withdrawn}`,
  ]
}

function restoredText(done: RestoreDone): string {
  const lines = [
    `${done.database}: restored as of ${timeText(done.madeAt)}, ${counted(done.liveJobs, 'live job')}`,
    done.keptAside === null ? '' : `the database before it is ${done.keptAside}`,
    ...done.secrets.restored.map((name) => `${name}: restored`),
    ...done.secrets.kept.map((name) => `${name}: the folder keeps its own`),
    ...sinceText(done.since),
    'start the scheduler now: what happened since is unknown to it, and due times since are judged as missed',
  ]
  return lines
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('')
}

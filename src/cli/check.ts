/** `eg check`: is the database sound, and do its tables agree. */
import { resolve } from 'node:path'

import type { CheckDone } from '../../proto/database.ts'
import { defineCommand, UsageError } from './command.ts'
import { askDatabase, dataOption, schedulerFolder } from './daemons/database.ts'
import { json } from './render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…] [FILE]',
  options: {
    ...dataOption,
    mend: { help: 'mend what can be mended without loss; only while no scheduler runs' },
  },
  operands: [0, 1],
  notes: `Checks the scheduler's database, in use or not, or FILE, such as a backup. Exit status 0: sound (or all was mended);
1: something was found; 3: it could not be looked at.`,
  async run({ values, operands: [file], terminal }) {
    if (values.mend && file !== undefined)
      throw new UsageError('--mend is for the database of a data folder, not for a FILE')
    const flags = {
      data: file === undefined ? schedulerFolder(values.data) : undefined,
      file: file === undefined ? undefined : resolve(terminal.cwd, file),
      mend: values.mend,
    }
    const done = await askDatabase('check', flags, { exit: 3 })
    terminal.out(values.json ? json(done) : checkedText(done))
    return done.findings.length === 0 ? 0 : 1
  },
})

function checkedText({ database, schema, compared, ...done }: CheckDone): string {
  const { findings, mended, keptAside } = done
  const older = `; its schema ${schema} is an older one: the tables are compared once a scheduler of this Evergrid has been started on it`
  const lines = [
    ...mended.map((what) => `${what}: mended`),
    ...(keptAside === null ? [] : [`the database before that is ${keptAside}`]),
    ...findings.flatMap(({ what, detail, rows, examples, mend }) => [
      `${what}: ${detail} (${rows})`,
      ...examples.map((text) => `  ${text}`),
      ...(rows > examples.length ? [`  and ${rows - examples.length} more`] : []),
      ...(mend === null ? [] : [`  eg check --mend: ${mend}`]),
    ]),
    `${database}: ${findings.length === 0 ? 'sound' : 'not sound'}${compared ? '' : older}`,
  ]
  return lines.map((line) => `${line}\n`).join('')
}

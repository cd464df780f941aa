/** `eg check`: is the database sound, and do its tables agree. */
import { resolve } from 'node:path'

import { defineCommand, UsageError } from './command.ts'
import { askDatabase, dataOption, schedulerFolder } from './daemons/database.ts'
import { checkedText } from './render/check.ts'
import { json } from './render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…] [FILE]',
  options: {
    ...dataOption,
    mend: { help: 'mend what can be mended without loss; only while no scheduler runs' },
  },
  operands: [0, 1],
  notes: `Checks the scheduler's database, in use or not, or FILE, such as a backup. Exit status 0: sound (or all was mended);
1: something was found, or it is no database; 3: it could not be looked at.`,
  async run({ values, operands: [file], terminal }) {
    if (values.mend && file !== undefined)
      throw new UsageError('--mend is for the database of a data folder, not for a FILE')
    const flags = {
      data: file === undefined ? schedulerFolder(values.data) : undefined,
      file: file === undefined ? undefined : resolve(terminal.cwd, file),
      mend: values.mend,
    }
    const done = await askDatabase('check', flags, { exit: 3 })
    terminal.out(values.json ? json(done) : checkedText(done, file === undefined))
    return done.findings.length === 0 ? 0 : 1
  },
})

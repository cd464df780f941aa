/** `eg backup`: a verified copy of the scheduler's database, while it runs or not. */
import { resolve } from 'node:path'

import { defineCommand } from './command.ts'
import { askDatabase, dataOption, schedulerFolder } from './daemons/database.ts'
import { json } from './render/json.ts'
import { counted, sizeText } from './words.ts'

export const command = defineCommand({
  usage: '[OPTION…] FILE',
  options: {
    ...dataOption,
    force: { help: 'write over FILE if it exists' },
  },
  operands: [1, 1],
  notes: `Runs on the scheduler's machine, as the account that it runs as. The copy is of one moment, read back and checked
before it gets its name, with mode 0600. It holds the grid's secrets and what owners gave their jobs: keep it as such.`,
  async run({ values, operands: [file = ''], terminal }) {
    const flags = {
      data: schedulerFolder(values.data),
      file: resolve(terminal.cwd, file),
      overwrite: values.force,
    }
    const done = await askDatabase('backup', flags, {
      hints: { exists: 'name another file, or say --force to write over it' },
    })
    terminal.out(
      values.json
        ? json(done)
        : `${done.file}: ${sizeText(done.bytes)}, ${counted(done.liveJobs, 'live job')}, verified\n`,
    )
    return 0
  },
})

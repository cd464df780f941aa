/** `eg import bigbrotherrc`: what Tool Labs' watchdog kept running becomes continuous jobs. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

import { CommandError, defineCommand } from '../command.ts'
import { readBigbrotherrc } from './bigbrotherrc.ts'
import { placeOf } from './crontab/save.ts'
import { makeTrue } from './make-true.ts'

export const command = defineCommand({
  usage: '[OPTION…] [FILE]',
  options: { 'dry-run': { short: 'n', help: 'only show what would change' } },
  operands: [0, 1],
  notes: `FILE is ~/.bigbrotherrc where it is not said. A continuous job that lives and differs from its line is changed, as by "eg apply".`,
  async run({ values, operands: [path], terminal, client }) {
    const place = placeOf(terminal)
    const from = path ?? `${place.home}/.bigbrotherrc`
    const text = await readFile(resolve(terminal.cwd, from), 'utf8').catch((error: Error) => {
      throw new CommandError(error.message)
    })
    const file = readBigbrotherrc(text, from, place)
    if (!file.ok) {
      throw new CommandError(`${from} cannot be used:\n${file.problems.join('\n')}`, {
        hint: 'nothing was changed',
      })
    }
    return makeTrue(await client(), file, {
      home: place.home,
      terminal,
      json: values.json,
      dryRun: values['dry-run'],
      prune: false,
    })
  },
})

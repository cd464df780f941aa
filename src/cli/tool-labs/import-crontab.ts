/** `eg import crontab`: a crontab that was saved elsewhere becomes schedules; shown line by line. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

import { CommandError, defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { printable, table } from '../render/table.ts'
import { planCrontab, type Planned } from './crontab/plan.ts'
import { placeOf, saveCrontab } from './crontab/save.ts'

export const command = defineCommand({
  usage: '[OPTION…] FILE',
  options: {
    'dry-run': { short: 'n', help: 'only show what each line would be' },
    replace: { help: 'in place of the crontab that you have here' },
  },
  operands: [1, 1],
  notes: `FILE is what "crontab -l" printed. jsub lines become schedules that submit what they say; other commands run in a shell, one at a
time. From then on "crontab -l" and "crontab -e" show and change it.`,
  async run({ values, operands: [path = ''], terminal, client }) {
    const text = await readFile(resolve(terminal.cwd, path), 'utf8').catch((error: Error) => {
      throw new CommandError(error.message)
    })
    const place = placeOf(terminal)
    const grid = await client()
    const before = await grid.call('showCrontab')
    if (before.text !== '' && !values.replace && !values['dry-run']) {
      throw new CommandError('you have a crontab here already', {
        hint: 'see it with `crontab -l`; say --replace to put this one in its place',
      })
    }
    const plan = values['dry-run']
      ? planCrontab(text, before, place)
      : await saveCrontab(grid, { text, from: path, before }, place)
    if (!plan.ok) {
      const lines = plan.problems.map((problem) =>
        typeof problem === 'string' ? problem : `"${path}":${problem.number}: ${problem.problem}`,
      )
      throw new CommandError(`${path} cannot be used:\n${lines.join('\n')}`, {
        hint: 'nothing was changed',
      })
    }
    if (values.json) terminal.out(json({ entries: plan.entries, notes: plan.notes }))
    else {
      for (const note of plan.notes) terminal.say(printable(note))
      terminal.out(entryTable(plan.entries, terminal))
    }
    return 0
  },
})

function entryTable(entries: readonly Planned[], look: { colour: boolean }): string {
  return table(
    [
      { title: 'LINE', cell: ({ number }) => number, right: true },
      { title: 'SCHEDULE', cell: ({ schedule }) => schedule.name },
      { title: 'EXPRESSION', cell: ({ schedule }) => schedule.expression },
      { title: 'OVERLAP', cell: ({ schedule }) => schedule.overlap ?? '' },
      { title: 'COMMAND', cell: ({ schedule }) => commandText(schedule.job.command) },
    ],
    entries,
    look,
  )
}

const commandText = (argv: readonly string[]): string =>
  argv.length === 3 && argv[1] === '-c' ? (argv[2] ?? '') : argv.join(' ')

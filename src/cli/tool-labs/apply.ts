/** `eg apply`: makes jobs and schedules as a jobs file says, in the words of the Toolforge jobs framework. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { text as allOf } from 'node:stream/consumers'

import { exitStatus } from '../../../proto/error-list.ts'
import { CommandError, defineCommand } from '../command.ts'
import type { Terminal } from '../terminal.ts'
import { readJobsFile } from './jobs-file/file.ts'
import { makeTrue } from './make-true.ts'

export const command = defineCommand({
  usage: '[OPTION…] FILE | -',
  options: {
    'dry-run': { short: 'n', help: 'only show what would change' },
    prune: { help: 'stop continuous jobs and remove schedules that the file does not name' },
  },
  operands: [1, 1],
  notes: `FILE is YAML: a list of jobs with the keys of the Toolforge jobs framework (name, command, schedule, continuous, mem,
cpu, retry, timeout, filelog…) and those of "eg submit"; docs/migrating-from-tool-labs.md lists them. Jobs that differ are changed and,
where a run must begin anew for it, restarted; jobs that run once are started unless they run. What the file does not name is left alone.
"eg dump" writes such a file.`,
  async run({ values, operands: [path = ''], terminal, client }) {
    const home = terminal.env['HOME'] ?? homedir()
    const file = readJobsFile(await textOf(path, terminal), home)
    if (!file.ok) {
      const problems = file.problems.map((problem) => `  ${problem}`)
      throw new CommandError(`${path} cannot be used:\n${problems.join('\n')}`, {
        exit: exitStatus.usage,
        hint: 'nothing was changed',
      })
    }
    return makeTrue(await client(), file, {
      home,
      terminal,
      json: values.json,
      dryRun: values['dry-run'],
      prune: values.prune,
    })
  },
})

async function textOf(path: string, { cwd }: Terminal): Promise<string> {
  try {
    return path === '-' ? await allOf(process.stdin) : await readFile(resolve(cwd, path), 'utf8')
  } catch (error) {
    throw new CommandError((error as Error).message)
  }
}

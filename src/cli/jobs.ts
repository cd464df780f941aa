/** `eg jobs`: one's live jobs, or others'. */
import { defineCommand } from './command.ts'
import { listJobs, printJobs } from './job-list.ts'
import { jobKinds, taskStates } from './job-words.ts'
import { oneOf, whole } from './values.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {
    all: { short: 'a', help: 'of every owner' },
    owner: { value: 'USER', help: 'of this owner' },
    state: { value: 'STATE', help: 'only those in this state' },
    kind: { value: 'KIND', help: 'task or continuous' },
    name: { value: 'PATTERN', help: 'by name, * and ? allowed' },
    finished: { help: 'finished ones, newest first' },
    limit: { value: 'N', help: 'at most N (default 1000)' },
  },
  operands: [0, 0],
  async run({ values, terminal, client }) {
    const { all, owner, name, finished } = values
    const filter = {
      all,
      owner,
      name,
      finished,
      state: oneOf('state', values.state, taskStates),
      kind: oneOf('kind', values.kind, jobKinds),
    }
    const grid = await client()
    const found = await listJobs(grid, filter, whole('limit', values.limit) ?? 1000)
    await printJobs(found, { ...values, owners: all || owner !== undefined }, grid, terminal)
    return 0
  },
})

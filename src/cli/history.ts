/** `eg history`: finished jobs, newest first. */
import { defineCommand } from './command.ts'
import { listJobs, printJobs } from './job-list.ts'
import { whole } from './values.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {
    all: { short: 'a', help: 'of every owner' },
    owner: { value: 'USER', help: 'of this owner' },
    name: { value: 'PATTERN', help: 'by name, * and ? allowed' },
    schedule: { value: 'NAME', help: 'jobs of this schedule' },
    limit: { value: 'N', help: 'at most N (default 50)' },
  },
  operands: [0, 0],
  async run({ values, terminal, client }) {
    const { all, owner, name, schedule } = values
    const grid = await client()
    const limit = whole('limit', values.limit) ?? 50
    const found = await listJobs(grid, { all, owner, name, schedule, finished: true }, limit)
    const owners = all || owner !== undefined
    await printJobs(found, { json: values.json, finished: true, owners }, grid, terminal)
    return 0
  },
})

/** `eg share add`: members of a unix group may see, stop and restart one's jobs. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { sharingOf, sharingOptions } from './options.ts'

export const command = defineCommand({
  usage: '[OPTION…] GROUP',
  options: sharingOptions,
  operands: [1, 1],
  notes: `Members read the output, stop and restart: eg restart --owner USER NAME. All else stays with the owner.
Who leaves the group is out within five seconds.`,
  async run({ values, operands: [group = ''], terminal, client }) {
    const body = { group, ...sharingOf(values) }
    const added = await (await client()).call('addSharing', { body })
    const what = added.job === null ? `all jobs of ${added.owner}` : `job ${added.job}`
    terminal.out(values.json ? json(added) : `${what} shared with ${group}\n`)
    return 0
  },
})

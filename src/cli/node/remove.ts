/** `eg node remove`: forgets an empty node. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…] NODE',
  options: { revoke: { help: 'end its identity at once, also while it reports; it stays listed' } },
  operands: [1, 1],
  async run({ values, operands: [node = ''], terminal, client }) {
    const grid = await client()
    if (values.revoke) {
      await grid.call('revokeNode', { params: { node } })
      terminal.out(
        values.json ? json({ revoked: node }) : `the identity of ${node} is no longer good\n`,
      )
      return 0
    }
    await grid.call('removeNode', { params: { node } })
    terminal.out(values.json ? json({ removed: node }) : `node ${node} removed\n`)
    return 0
  },
})

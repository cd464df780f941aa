/** `eg node token`: a token with which one node joins, once. */
import { createHash, randomBytes } from 'node:crypto'

import { joinTokenText, longestJoinMs } from '../../../proto/node-identity.ts'
import { defineCommand, UsageError } from '../command.ts'
import { json } from '../render/json.ts'
import { duration } from '../values.ts'
import { timeText } from '../words.ts'

const usualMs = 3_600_000

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {
    node: {
      value: 'NODE',
      help: 'for this node alone, also to take the place of one that is there',
    },
    expires: { value: 'DURATION', help: 'when it ends unused (default 1h, at most 7d)' },
  },
  operands: [0, 0],
  notes: `Write it into a file (mode 0600) on the machine of the node, and start that with "eg exec-node --join FILE": it joins, and
from then on shows an identity of its own, which opens nothing of other nodes. With TLS the token also says by which
authority the node knows its scheduler.`,
  async run({ values, terminal, client }) {
    const expiresInMs = duration('expires', values.expires) ?? usualMs
    if (expiresInMs < 1000 || expiresInMs > longestJoinMs)
      throw new UsageError('--expires: from 1s to 7d')
    const secret = randomBytes(32).toString('hex')
    const hash = createHash('sha256').update(secret).digest('hex')
    const body = { node: values.node ?? null, expiresInMs, hash }
    const scheduler = await client()
    // Asked first: a token that could not be printed would be good all the same.
    const { authority } = await scheduler.call('grid')
    const made = await scheduler.call('createJoinToken', { body })
    const token = joinTokenText(made.id, secret, authority)
    if (values.json) terminal.out(json({ ...made, token }))
    else {
      terminal.out(`${token}\n`)
      terminal.say(`good for one join, until ${timeText(made.expiresAt)}`)
    }
    return 0
  },
})

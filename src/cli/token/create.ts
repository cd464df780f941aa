/** `eg token create`: a token for a program, printed once and kept nowhere but with whoever made it. */
import { createHash, randomBytes } from 'node:crypto'

import { longestTokenMs, scopes, tokenText, type Scope } from '../../../proto/token.ts'
import { defineCommand, UsageError } from '../command.ts'
import { json } from '../render/json.ts'
import { duration } from '../values.ts'
import { timeText } from '../words.ts'

const usualMs = 90 * 86_400_000

export const command = defineCommand({
  usage: '--scope SCOPE [OPTION…] NAME',
  options: {
    scope: { value: 'SCOPE', many: true, help: `what it opens: ${scopes.join(', ')}` },
    expires: { value: 'DURATION', help: 'when it ends (default 90d, at most 366d)' },
  },
  operands: [1, 1],
  notes: `read-own: your jobs, schedules and their output. submit: submitting. manage-own: both of these, and stopping, editing
and all else that you may do to your own work. operate: what you may do as an operator. No token makes tokens or gives rights.
Programs show it in EVERGRID_TOKEN, or as "Authorization: Bearer TOKEN". It is printed once: the scheduler knows only its hash.`,
  async run({ values, operands: [name = ''], terminal, client }) {
    if (values.scope.length === 0)
      throw new UsageError(`say what it opens: --scope ${scopes.join('|')}`)
    const expiresInMs = duration('expires', values.expires) ?? usualMs
    if (expiresInMs < 1000 || expiresInMs > longestTokenMs)
      throw new UsageError('--expires: from 1s to 366d')
    const secret = randomBytes(32).toString('hex')
    const hash = createHash('sha256').update(secret).digest('hex')
    const body = { name, scopes: values.scope.flatMap(scopesIn), expiresInMs, hash }
    const made = await (await client()).call('createToken', { body })
    const token = tokenText(made.id, secret)
    if (values.json) terminal.out(json({ ...made, token }))
    else {
      terminal.out(`${token}\n`)
      terminal.say(
        `token ${made.id} "${made.name}" for ${made.scopes.join(', ')}, until ${timeText(made.expiresAt)}; ` +
          'it is not shown again',
      )
    }
    return 0
  },
})

/** Also several with commas. */
const scopesIn = (text: string): Scope[] =>
  text.split(',').map((word) => {
    const found = scopes.find((scope) => scope === word.trim())
    if (found === undefined)
      throw new UsageError(`--scope: "${word}" is none of ${scopes.join(', ')}`)
    return found
  })

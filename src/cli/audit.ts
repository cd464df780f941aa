/** `eg audit`: what was changed, by whom, and how it was before. */
import type { AuditEntry } from '../../proto/rights.ts'
import type { Input } from '../client/client.ts'
import { defineCommand } from './command.ts'
import { dropUndefined } from './job-options.ts'
import { json } from './render/json.ts'
import { auditText } from './render/rights.ts'
import { pastTime, whole } from './values.ts'
import { moreText } from './words.ts'

type Query = NonNullable<Input<'listAudit'>['query']>
const pageSize = 1000

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {
    by: { value: 'USER', help: 'what this account did' },
    owner: { value: 'USER', help: 'what was done to the work of this account' },
    what: { value: 'COMMAND', help: 'as one types it: stop, "node drain", "role grant"' },
    job: { value: 'N', help: 'what was done to this job' },
    node: { value: 'NODE', help: 'what was done to this node' },
    since: { value: 'TIME', help: 'from then on: 2026-11-23T18:00, or 2h ago as 2h' },
    until: { value: 'TIME', help: 'before then' },
    limit: { value: 'N', help: 'at most N (default 50)' },
  },
  operands: [0, 0],
  notes: `Newest first. Operators and managers see all of it, others what they did and what was done to their own. What owners
did to their own is kept as long as finished jobs, the rest for a year.`,
  async run({ values, terminal, client }) {
    const { by, owner, what, node } = values
    const query = dropUndefined({
      by,
      owner,
      what,
      node,
      job: whole('job', values.job),
      since: pastTime('since', values.since, terminal.now()),
      until: pastTime('until', values.until, terminal.now()),
    }) as Query
    const limit = whole('limit', values.limit) ?? 50
    const grid = await client()
    const found: AuditEntry[] = []
    let page: string | null = null
    do {
      const asked: Query = { ...query, limit: Math.min(pageSize, limit - found.length) }
      const reply: { entries: AuditEntry[]; next: string | null } = await grid.call('listAudit', {
        query: page === null ? asked : { ...asked, page },
      })
      found.push(...reply.entries)
      page = reply.next
    } while (page !== null && found.length < limit)
    if (values.json) terminal.out(json(found))
    else if (found.length === 0) terminal.say('nothing of that was changed')
    else terminal.out(auditText(found, terminal))
    if (page !== null) terminal.say(moreText(found.length))
    return 0
  },
})

/** `eg quota set`: limits of one owner, of each member of a group, or of everybody. */
import { limitNames, parseLimit, type LimitName } from '../../../proto/limits.ts'
import type { QuotaSubject } from '../../../proto/quota.ts'
import { defineCommand, UsageError } from '../command.ts'
import { dropUndefined } from '../job-options.ts'
import { json } from '../render/json.ts'
import { quotaRulesText } from '../render/quota.ts'
import { duration } from '../values.ts'

export const command = defineCommand({
  usage: '[OPTION…] LIMIT=VALUE…',
  options: {
    owner: { value: 'NAME', help: 'of this account' },
    group: { value: 'NAME', help: 'of each member of this unix group' },
    default: { help: 'of everybody' },
    for: { value: 'DURATION', help: 'a raise that ends by itself, for example 7d' },
    why: { value: 'TEXT', help: 'kept, and shown by quota list' },
  },
  operands: [1, limitNames.length],
  notes: `LIMIT is one of ${limitNames.join(', ')}.
VALUE is a number (of memory also a size), "none" for no limit, or "usual" to take back what was set.
Operators set limits of one owner for a time (--owner NAME --for DURATION); the rest is for managers.`,
  async run({ values, operands, terminal, client }) {
    const { set, unset } = readLimits(operands)
    const more = dropUndefined({ forMs: duration('for', values.for), why: values.why })
    const body = { subject: subjectOf(values), set, unset, ...more }
    const { rules } = await (await client()).call('setQuota', { body })
    if (values.json) terminal.out(json(rules))
    else if (rules.length === 0) terminal.say('nothing is set there any more')
    else terminal.out(quotaRulesText(rules, terminal))
    return 0
  },
})

type Said = { owner: string | undefined; group: string | undefined; default: boolean }

function subjectOf({ owner, group, default: everybody }: Said): QuotaSubject {
  const said = [owner, group, everybody || undefined].filter((one) => one !== undefined)
  if (said.length !== 1)
    throw new UsageError('say for whom: --owner NAME, --group NAME or --default')
  if (owner !== undefined) return { kind: 'owner', name: owner }
  return group === undefined ? { kind: 'default', name: null } : { kind: 'group', name: group }
}

function readLimits(words: readonly string[]) {
  const set: Partial<Record<LimitName, number | null>> = {}
  const unset: LimitName[] = []
  for (const word of words) {
    const usual = limitNames.find((name) => word === `${name}=usual`)
    if (usual !== undefined) {
      unset.push(usual)
      continue
    }
    const parsed = parseLimit(word)
    if (!parsed.ok) throw new UsageError(parsed.problem)
    const [name, value] = parsed.value
    set[name] = value
  }
  return { set, unset }
}

/** `eg shares set`: what owners and groups weigh, and how fast use is forgotten. */
import { defineCommand, UsageError } from '../command.ts'
import { dropUndefined } from '../job-options.ts'
import { json } from '../render/json.ts'
import { sharesText } from '../render/shares.ts'
import { duration } from '../values.ts'

export const command = defineCommand({
  usage: '[OPTION…] [OWNER=WEIGHT | group:GROUP=WEIGHT]…',
  options: {
    'half-life': {
      value: 'DURATION',
      help: 'in which half of what was used is forgotten; "usual": as the site set it',
    },
    why: { value: 'TEXT', help: 'kept, and told by eg events' },
  },
  operands: [0, 100],
  notes: `WEIGHT is a number: who weighs 2 gets twice as much as who weighs 1, as everybody does; "usual" takes it back.
Members of a group that has a weight share what the group gets among themselves, each by its own weight.`,
  async run({ values, operands, terminal, client }) {
    const said = values['half-life']
    const halfLifeMs = said === 'usual' ? null : duration('half-life', said)
    const body = dropUndefined({ ...readWeights(operands), halfLifeMs, why: values.why })
    if (operands.length === 0 && halfLifeMs === undefined)
      throw new UsageError('say who weighs how much, for example anna=2, or --half-life 12h')
    const shares = await (await client()).call('setShares', { body })
    if (values.json) terminal.out(json(shares))
    else terminal.out(sharesText(shares, terminal))
    return 0
  },
})

type Weights = Record<string, number | null>

function readWeights(words: readonly string[]): { owners: Weights; groups: Weights } {
  const owners: Weights = {}
  const groups: Weights = {}
  for (const word of words) {
    const found = /^(group:)?([^\s:/=]+)=(\S+)$/.exec(word)
    const [, group, name = '', text = ''] = found ?? []
    const weight = text === 'usual' ? null : Number(text)
    if (found === null || (weight !== null && !(weight > 0 && weight < Infinity)))
      throw new UsageError(
        `"${word}" is no weight; write for example anna=2, group:lab=5 or anna=usual`,
      )
    if (group === undefined) owners[name] = weight
    else groups[name] = weight
  }
  return { owners, groups }
}

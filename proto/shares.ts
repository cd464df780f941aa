/** Fair shares: who has used how much of late, and so who goes first; and what weighs how much in that. */
import { Type, type Static } from 'typebox'

import { Nullable } from './ids.ts'
import { longestMs } from './job.ts'
import { AccountName } from './rights.ts'

const Slots = (description: string) => Type.Number({ description })
const Weight = Type.Number({ minimum: 0.001, maximum: 1_000_000 })
const Debt = Slots('slots beyond its part by weight of all that is shared; below it, negative')

export const SharesView = Type.Object({
  halfLifeMs: Type.Integer({ description: 'in which half of what was used is forgotten' }),
  slots: Type.Integer({ description: 'of all nodes' }),
  owners: Type.Array(
    Type.Object({
      owner: Type.String(),
      group: Nullable(Type.String({ description: 'weighted group that it stands in' })),
      weight: Type.Number(),
      slots: Type.Integer({ description: 'held now' }),
      pending: Type.Integer({ description: 'tasks that wait' }),
      average: Slots('held on average of late'),
      share: Slots(
        'held now and of late together, divided by the weight: who has least goes first',
      ),
      debt: Debt,
    }),
    { description: 'those who hold, have held or wait; who goes first stands first' },
  ),
  groups: Type.Array(
    Type.Object({
      group: Type.String(),
      weight: Type.Number(),
      share: Slots('of its members together, divided by its weight'),
      debt: Debt,
    }),
    {
      description: 'groups with a weight: one turn for all members, who share it among themselves',
    },
  ),
})
export type SharesView = Static<typeof SharesView>

const Weights = Type.Record(AccountName, Nullable(Weight), {
  description: 'by name; null: as if never said (owners weigh 1, groups share nothing)',
})

export const SharesRequest = Type.Object({
  owners: Type.Optional(Weights),
  groups: Type.Optional(Weights),
  halfLifeMs: Type.Optional(
    Nullable(
      Type.Integer({ minimum: 1_000, maximum: longestMs, description: 'null: as the site set it' }),
    ),
  ),
  why: Type.Optional(Type.String({ maxLength: 1000 })),
})
export type SharesRequest = Static<typeof SharesRequest>

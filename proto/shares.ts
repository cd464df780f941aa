/** Fair shares: who has used how much of late, and so who goes first. */
import { Type, type Static } from 'typebox'

const Slots = (description: string) => Type.Number({ description })

export const SharesView = Type.Object({
  halfLifeMs: Type.Integer({ description: 'in which half of what was used is forgotten' }),
  slots: Type.Integer({ description: 'of all nodes' }),
  owners: Type.Array(
    Type.Object({
      owner: Type.String(),
      slots: Type.Integer({ description: 'held now' }),
      pending: Type.Integer({ description: 'tasks that wait' }),
      average: Slots('held on average of late'),
      share: Slots('held now and of late together: who has least goes first'),
      debt: Slots('share beyond an even part of all shares; below it, negative'),
    }),
    { description: 'those who hold, have held or wait; who goes first stands first' },
  ),
})
export type SharesView = Static<typeof SharesView>

/** Which unix groups keep an owner's jobs together with it. */
import { Type, type Static } from 'typebox'

import { Instant, Nullable } from './ids.ts'

export const GroupName = Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\s:,/]+$' })

export const SharingView = Type.Object({
  owner: Type.String(),
  group: Type.String(),
  job: Nullable(Type.Integer({ description: 'null: all jobs of the owner' })),
  by: Type.String(),
  at: Instant,
})
export type SharingView = Static<typeof SharingView>

/** Problems as they cross the wire (RFC 9457), made from the closed list in error-list. */
import { Type, type Static } from 'typebox'

import { errorCodes, errorList, type ErrorCode, type Refusal } from './error-list.ts'

export * from './error-list.ts'

/** RFC 9457 problem details, with our code and hint. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.Unsafe<ErrorCode>({ type: 'string', enum: errorCodes }),
  hint: Type.Optional(Type.String()),
})
export type Problem = Static<typeof Problem>

export function problemOf(refusal: Refusal): Problem {
  const { status, title } = errorList[refusal.code]
  return { type: `urn:evergrid:error:${refusal.code}`, title, status, ...refusal }
}

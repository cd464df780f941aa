/** A value, or a refusal as a value. */
import type { Refusal } from '../../proto/errors.ts'

export type Refused = { ok: false; refusal: Refusal }
export type Result<T> = { ok: true; value: T } | Refused

export const done = <T>(value: T): Result<T> => ({ ok: true, value })

export const refuse = (code: Refusal['code'], detail: string, hint?: string): Refused => ({
  ok: false,
  refusal: hint === undefined ? { code, detail } : { code, detail, hint },
})

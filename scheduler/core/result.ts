/** A value, or a refusal as a value. */
import type { Refusal } from '../../proto/errors.ts'

export type Result<T> = { ok: true; value: T } | { ok: false; refusal: Refusal }

export const done = <T>(value: T): Result<T> => ({ ok: true, value })

export const refuse = (
  code: Refusal['code'],
  detail: string,
  hint?: string,
): { ok: false; refusal: Refusal } => ({
  ok: false,
  refusal: hint === undefined ? { code, detail } : { code, detail, hint },
})

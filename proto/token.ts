/** Tokens that people make for their programs: each opens as much as its scopes say, until it expires. */
import { Type, type Static } from 'typebox'

import { Instant, Nullable } from './ids.ts'

export const scopes = ['read-own', 'submit', 'manage-own', 'operate'] as const
export type Scope = (typeof scopes)[number]
export const ScopeName = Type.Unsafe<Scope>({ type: 'string', enum: [...scopes] })

/** `manage-own` opens what the two before it do, `operate` all. */
export const opens: Readonly<Record<Scope, readonly Scope[]>> = {
  'read-own': ['read-own'],
  submit: ['submit'],
  'manage-own': ['read-own', 'submit', 'manage-own'],
  operate: scopes,
}

export const longestTokenMs = 366 * 86_400_000

export const TokenView = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  owner: Type.String(),
  scopes: Type.Array(ScopeName),
  createdAt: Instant,
  expiresAt: Instant,
  revoked: Nullable(Type.Object({ at: Instant, by: Type.String() })),
})
export type TokenView = Static<typeof TokenView>

/** What a program shows: the number leads to the hash that the secret must have. */
export const tokenText = (id: number, secret: string): string => `egt.${id}.${secret}`

export function parseToken(text: string): { id: number; secret: string } | null {
  const match = /^egt\.(\d{1,12})\.([0-9a-f]{64})$/.exec(text)
  return match ? { id: Number(match[1]), secret: match[2] ?? '' } : null
}

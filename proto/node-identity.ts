/** What nodes show to be let in: a join token once, from then on an identity of their own. */

const secret = '([0-9a-f]{64})'

export const longestJoinMs = 7 * 86_400_000

/** What `eg node token` prints: good for one join, and with TLS only at the scheduler of that authority (its fingerprint). */
export const joinTokenText = (id: number, hex: string, authority: string | null = null): string =>
  `egj.${id}.${hex}${authority === null ? '' : `.${authority}`}`

export type JoinToken = { id: number; secret: string; authority: string | null }

export function parseJoinToken(text: string): JoinToken | null {
  const match = new RegExp(`^egj\\.(\\d{1,12})\\.${secret}(?:\\.${secret})?$`).exec(text)
  return match
    ? { id: Number(match[1]), secret: match[2] ?? '', authority: match[3] ?? null }
    : null
}

/** A node's own, kept in its data folder. */
export const nodeIdentityText = (node: string, hex: string): string => `egn.${hex}.${node}`

export function parseNodeIdentity(text: string): { node: string; secret: string } | null {
  const match = new RegExp(`^egn\\.${secret}\\.([A-Za-z0-9.-]{1,63})$`).exec(text)
  return match ? { node: match[2] ?? '', secret: match[1] ?? '' } : null
}

/** Under which names and addresses a scheduler may be called: those that it listens at, those of its host, those it is told. */
import { hostname, networkInterfaces } from 'node:os'

const isName = (text: string) => /^[a-z0-9_]([a-z0-9_.-]{0,252})$/i.test(text)

/** `host`: where it listens. Host names in small letters; link-local addresses mean nothing without a link. */
export function namesAt(host: string, more: readonly string[]): string[] {
  const everywhere = host === '0.0.0.0' || host === '::'
  const addresses = everywhere
    ? Object.values(networkInterfaces())
        .flatMap((each) => each ?? [])
        .map(({ address }) => address)
        .filter((address) => !/^fe80:/i.test(address))
    : [host]
  const names = ['localhost', '127.0.0.1', '::1', hostname(), ...addresses, ...more]
  return [...new Set(names.map((name) => name.toLowerCase()))].filter(
    (name) => name.includes(':') || isName(name),
  )
}

/** Where a scheduler listens, and how: of `eg scheduler` and `eg up` alike. */
import type { OptionTable } from '../options.ts'

export const listenOptions = {
  host: { value: 'ADDRESS', help: 'address to listen at (default 127.0.0.1)' },
  tls: { help: 'speak TLS, with an authority and certificates of its own' },
  'tls-name': {
    value: 'NAME',
    many: true,
    help: 'a further name or address under which it is called',
  },
} as const satisfies OptionTable

export const tlsNames = (names: readonly string[]): string[] =>
  names.flatMap((name) => ['--tls-name', name])

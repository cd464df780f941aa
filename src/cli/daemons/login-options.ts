/** How accounts prove themselves to a scheduler that root runs: of `eg scheduler` and `eg up` alike. */
import type { OptionTable } from '../options.ts'
import { path } from '../values.ts'

export const loginOptions = {
  'munge-socket': {
    value: 'PATH',
    help: 'socket of munged, for logins from other machines (default: the usual one, if munged is there; none: no MUNGE)',
  },
  'shared-homes': {
    help: 'homes are the same on all machines, and their file server is trusted: a file in a home proves its owner',
  },
} as const satisfies OptionTable

type Said = { 'munge-socket': string | undefined; 'shared-homes': boolean }

export const loginFlags = (said: Said) => ({
  'munge-socket':
    said['munge-socket'] === 'none' ? 'none' : path('munge-socket', said['munge-socket']),
  'shared-homes': said['shared-homes'],
})
export type LoginFlags = ReturnType<typeof loginFlags>

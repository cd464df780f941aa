/**
 * Is a request meant for this scheduler? A web page of a stranger can make a browser on this machine call us
 * under a name of the stranger's that leads here; Host and Origin give it away.
 */
import { isIP } from 'node:net'

import { isLoopback } from '../../src/lib/loopback.ts'

/** Null, or what is wrong. Addresses need no list: no name was resolved to reach them. */
export function siteProblem(
  { host, origin }: { host?: string | undefined; origin?: string | undefined },
  names: ReadonlySet<string>,
  protocol: 'http' | 'https',
): string | null {
  const name = host?.replace(/:\d+$/, '').toLowerCase()
  if (host === undefined || name === undefined || name === '') return 'the Host header is missing'
  const bare = name.replace(/^\[(.*)\]$/, '$1')
  if (!isLoopback(name) && isIP(bare) === 0 && !names.has(name)) {
    return `this scheduler is not called ${name}`
  }
  if (origin !== undefined && origin.toLowerCase() !== `${protocol}://${host.toLowerCase()}`) {
    return `pages of ${origin} may not call this scheduler`
  }
  return null
}

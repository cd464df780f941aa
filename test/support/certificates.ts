/** Authorities and certificates for tests, each authority made once for all: a key takes its time. */
import { issue, makeAuthority, type Pair } from '../../scheduler/tls/certificates.ts'

const made = new Map<string, Promise<Pair>>()

export function authority(name: string): Promise<Pair> {
  const present = made.get(name) ?? makeAuthority(Date.now())
  made.set(name, present)
  return present
}

export async function shownBy(
  name: string,
  names: string[] = ['localhost', '127.0.0.1'],
  { now = Date.now(), lifeMs = 3_600_000 } = {},
): Promise<Pair> {
  return issue(await authority(name), names, now, lifeMs)
}

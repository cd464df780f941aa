/** Accounts of this machine by name, as the name service knows them (files, LDAP, …). */
import { LRUCache } from 'lru-cache'

import { runProgram } from '../../src/lib/short-program.ts'
import type { Identity } from './run-driver.ts'

export type IdentityResult =
  | { ok: true; identity: Identity }
  | { ok: false; error: 'unknown-user' | 'lookup-failed'; detail: string }

const lookUpMs = 10_000
const keptMs = 5 * 60_000
const failureKeptMs = 10_000
const known = new LRUCache<string, Promise<IdentityResult>>({ max: 10_000, ttl: keptMs })

export function lookUpUser(user: string): Promise<IdentityResult> {
  const before = known.get(user)
  if (before) return before
  const asked = ask(user).then((result) => {
    if (!result.ok) known.set(user, Promise.resolve(result), { ttl: failureKeptMs })
    return result
  })
  known.set(user, asked)
  return asked
}

const failed = (error: 'unknown-user' | 'lookup-failed', detail: string) =>
  ({ ok: false, error, detail }) as const

async function ask(user: string): Promise<IdentityResult> {
  // A leading minus would be an option, and a number would be looked up as a uid.
  if (!/^[^-:\s\d][^:\s]*$/.test(user)) return failed('unknown-user', user)
  const entry = await run('getent', ['passwd', user])
  if (entry.status === 2) return failed('unknown-user', user)
  const [name, , uid, gid, , home, shell] = entry.text.trim().split(':')
  if (entry.status !== 0 || name !== user || !uid || !gid)
    return failed('lookup-failed', `getent passwd ${user}`)
  const groups = await run('id', ['-G', user])
  if (groups.status !== 0) return failed('lookup-failed', `id -G ${user}`)
  return {
    ok: true,
    identity: {
      user,
      uid: Number(uid),
      gid: Number(gid),
      groups: groups.text.trim().split(/\s+/).map(Number),
      home: home || '/',
      shell: shell || '/bin/sh',
    },
  }
}

async function run(program: string, args: string[]): Promise<{ status: number; text: string }> {
  const ran = await runProgram(program, args, { timeoutMs: lookUpMs })
  if (ran.kind === 'late') return { status: -1, text: '' }
  const status = ran.error === null ? 0 : ran.error.code
  return { status: typeof status === 'number' ? status : -1, text: ran.stdout.toString() }
}

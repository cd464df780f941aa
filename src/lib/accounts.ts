/** Accounts and groups of this machine, wherever it keeps them (files, LDAP, …): asked through getent. */
import { execFile } from 'node:child_process'

export type Account = { name: string; uid: number; gid: number; home: string }

/** Null where there is no such entry; throws where the machine could not look. */
function getent(database: 'passwd' | 'group', key: string): Promise<string[] | null> {
  // Nothing is named so, and no program can be asked for it.
  if (key.includes('\0')) return Promise.resolve(null)
  return new Promise((resolve, reject) => {
    execFile('getent', [database, '--', key], { timeout: 10_000 }, (error, stdout) => {
      if (error === null) return resolve(stdout.trimEnd().split(':'))
      if (error.code === 2) return resolve(null)
      reject(new Error(`getent ${database} could not look up ${key}`, { cause: error }))
    })
  })
}

/** A number is taken as a uid, as getent does: compare the name where a name was meant. */
export async function findAccount(nameOrUid: string | number): Promise<Account | null> {
  const found = await getent('passwd', String(nameOrUid))
  if (found === null) return null
  const [name = '', , uid, gid, , home = ''] = found
  return { name, uid: Number(uid), gid: Number(gid), home }
}

/** Names of a group's members; empty where there is no such group. Whose main group it is does not count. */
export async function groupMembers(group: string): Promise<string[]> {
  const found = await getent('group', group)
  return (found?.[3] ?? '').split(',').filter((name) => name !== '')
}

/** Whether there is such a group. */
export async function hasGroup(group: string): Promise<boolean> {
  return (await getent('group', group))?.[0] === group
}

/** Names of the groups that an account is in, its main one with them. */
export function groupsOf(account: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile('id', ['-Gnz', '--', account], { timeout: 10_000 }, (error, stdout) => {
      if (error === null) resolve(stdout.split('\0').filter((name) => name !== ''))
      else reject(new Error(`id could not look up the groups of ${account}`, { cause: error }))
    })
  })
}

/** For messages: the number where the machine knows no name. */
export async function accountName(uid: number): Promise<string> {
  const account = await findAccount(uid).catch(() => null)
  return account?.name ?? String(uid)
}

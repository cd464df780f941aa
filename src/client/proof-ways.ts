/** The client's side of each way to prove an account: makes what nobody else could, in a place that the client fixes. */
import { lstat, mkdir, open, readdir, rm, unlink, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'

import type { LoginWay } from '../../proto/login.ts'
import { addressOf } from '../lib/loopback.ts'
import { callMunge, defaultMungeSocket } from '../lib/munge.ts'
import {
  homeProofFileOf,
  homeProofFolderOf,
  proofFileOf,
  proofFolderMode,
  proofFolderOf,
} from '../lib/proof-folder.ts'
import { NotKnown } from './not-known.ts'

/** `file` is where the scheduler will look, as it says. */
type ToShow = { url: string; challenge: string; file: string | null; text: string }
type Shown = { credential?: string; undo(): Promise<void> }
/** Both throw NotKnown where it cannot be done here: `ready` before a challenge is asked for. */
export type WayToProve = {
  name: LoginWay
  words: string
  ready?: (url: string) => Promise<void>
  show: (what: ToShow) => Promise<Shown>
}

const showByFile: WayToProve['show'] = async ({ url, challenge, file, text }) => {
  const folder = proofFolderOf(addressOf(url).port)
  const wanted = proofFileOf(folder, challenge)
  if (file !== wanted)
    throw new NotKnown(`the scheduler asks for a proof at ${file}, which is not under ${folder}`)
  const own = dirname(wanted)
  await mkdir(own, { mode: 0o700 })
  const undo = () => rm(own, { recursive: true, force: true })
  try {
    await writeFile(wanted, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    await undo()
    throw error
  }
  return { undo }
}

/** The client fixes the place: else a stranger could have it write his proof. */
async function refuseBadPlace(url: string): Promise<void> {
  const folder = proofFolderOf(addressOf(url).port)
  for (const path of [folder, dirname(folder), dirname(dirname(folder))]) {
    const found = await lstat(path).catch(() => null)
    if (found === null)
      throw new NotKnown(`there is no ${path} here: that is on the scheduler's machine alone`)
    const { uid, mode } = found
    const good = path === folder ? (mode & 0o7777) === proofFolderMode : (mode & 0o022) === 0
    if (uid !== 0 || !good || (mode & 0o170000) !== 0o040000) {
      throw new NotKnown(`${path} is not as a proof folder must be (root's, and only root's)`)
    }
  }
}

const showByMunge: WayToProve['show'] = async ({ text }) => {
  const socket = process.env['EVERGRID_MUNGE_SOCKET'] || defaultMungeSocket
  const made = await callMunge('munge', socket, { input: text })
  if (!made.ok) throw new NotKnown(made.problem)
  return { credential: made.out.toString('latin1').trim(), undo: async () => {} }
}

const showByHome: WayToProve['show'] = async ({ challenge, file, text }) => {
  const { homedir: home, uid } = userInfo()
  const folder = homeProofFolderOf(home)
  const wanted = homeProofFileOf(home, challenge)
  if (file !== wanted) {
    throw new NotKnown(
      `your home is ${home} here, and the scheduler will look for ${file}: homes must have the same paths on both machines`,
    )
  }
  try {
    await keepFolder(folder, uid)
    await sweep(folder)
    await writeThrough(wanted, text)
  } catch (error) {
    if (error instanceof NotKnown) throw error
    await unlink(wanted).catch(() => {})
    throw new NotKnown(`${wanted} cannot be written: ${(error as Error).message}`)
  }
  return { undo: () => unlink(wanted).catch(() => {}) }
}

/** What is synced and closed is what the next machine sees that opens it. */
async function writeThrough(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function keepFolder(folder: string, own: number): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const { uid, mode } = await lstat(folder)
  if (uid !== own || (mode & 0o170000) !== 0o040000 || (mode & 0o077) !== 0)
    throw new NotKnown(`${folder} must be a folder of yours with mode 0700; remove what is there`)
}

const forgottenMs = 600_000

/** What logins have left whose process was killed. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const found = await lstat(path).catch(() => null)
    if (found !== null && Date.now() - found.mtimeMs > forgottenMs)
      await unlink(path).catch(() => {})
  }
}

/** The surest first: on the scheduler's own machine nothing but its kernel is trusted. */
export const waysToProve: readonly WayToProve[] = [
  { name: 'file', words: 'by a file on its machine', ready: refuseBadPlace, show: showByFile },
  { name: 'munge', words: 'by MUNGE', show: showByMunge },
  { name: 'home', words: 'by a file in the shared home', show: showByHome },
]

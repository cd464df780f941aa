/** The agent's folder: nobody else reads it, and no second agent works in it. */
import { randomUUID } from 'node:crypto'
import { link, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { folderProblem, makeFolders } from '../src/lib/folder.ts'
import { bootId, isSameProcess, machineId, processStat } from './process/boot.ts'
import { reserveIn } from './reserve.ts'

type Holder = { pid: number; startTicks: number; bootId: string }

export type DataFolder = { release(): Promise<void> }

export function makeDataFolder(dataDir: string): void {
  try {
    makeFolders(dataDir, 0o700)
  } catch (error) {
    const why = folderProblem(error)
    throw new Error(`cannot make the data folder ${dataDir}: ${why}; choose another with --data`, {
      cause: error,
    })
  }
}

export async function takeDataFolder(dataDir: string): Promise<DataFolder> {
  makeDataFolder(dataDir)
  const { uid, mode } = await stat(dataDir)
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw new Error(`${dataDir} must belong to the exec-node's account and be writable by no other`)
  }
  const lock = join(dataDir, 'exec-node.lock')
  const pidFile = join(dataDir, 'exec-node.pid')
  const room = reserveIn(dataDir)
  await room.write(() => takeLock(lock, dataDir))
  await room.write(() => writeFile(pidFile, `${process.pid}\n`, { mode: 0o644 }))
  return {
    async release() {
      await rm(pidFile, { force: true })
      await rm(lock, { force: true })
    },
  }
}

async function takeLock(lock: string, dataDir: string): Promise<void> {
  const startTicks = processStat(process.pid)?.startTicks ?? 0
  const mine: Holder = { pid: process.pid, startTicks, bootId }
  const draft = `${lock}.${process.pid}`
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600 })
  try {
    for (let tries = 0; tries < 10; tries += 1) {
      // By link, so that the lock is never seen without its content.
      const taken = await link(draft, lock).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false
          throw error
        },
      )
      if (taken) return
      await clearStale(lock, dataDir)
    }
    throw new Error(`${dataDir} is being taken by another exec-node at this moment`)
  } finally {
    await rm(draft, { force: true })
  }
}

async function clearStale(lock: string, dataDir: string): Promise<void> {
  const text = await readFile(lock, 'utf8').catch(() => '')
  const holder = parse(text)
  if (holder !== null && holder.bootId === bootId && isSameProcess(holder.pid, holder.startTicks)) {
    throw new Error(
      `${dataDir} is in use by the exec-node with pid ${holder.pid}; ` +
        'two agents cannot share a data folder: give this one another with --data',
    )
  }
  const aside = `${lock}.${randomUUID()}`
  await rename(lock, aside).catch(() => {})
  const moved = await readFile(aside, 'utf8').catch(() => text)
  // Somebody was quicker and this is a fresh lock: give it back.
  if (moved !== text) await link(aside, lock).catch(() => {})
  await rm(aside, { force: true })
}

function parse(text: string): Holder | null {
  try {
    const { pid, startTicks, bootId } = JSON.parse(text) as Partial<Holder>
    if (pid === undefined || startTicks === undefined || bootId === undefined) return null
    return { pid, startTicks, bootId }
  } catch {
    return null
  }
}

/** Which agent's folder on which machine this is: a second agent under its name, or a wiped folder, is another. */
export async function thisMachine(dataDir: string): Promise<string> {
  return `${machineId() ?? 'machine'}/${await folderId(dataDir)}`
}

async function folderId(dataDir: string): Promise<string> {
  const path = join(dataDir, 'folder-id')
  const kept = await readFile(path, 'utf8').catch(() => '')
  if (kept.trim() !== '') return kept.trim()
  const fresh = randomUUID()
  await writeSynced(path, `${fresh}\n`)
  // The name too: a folder that forgot it in a power loss would come back as a stranger, and be refused.
  await syncPath(dataDir)
  return fresh
}

async function writeSynced(path: string, text: string): Promise<void> {
  const draft = `${path}.new`
  await writeFile(draft, text, { mode: 0o600 })
  await syncPath(draft)
  await rename(draft, path)
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

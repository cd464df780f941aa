/** The run folders of a node: what the agent writes for the shepherds, and what it reads back. */
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { Cause } from '../../proto/cause.ts'
import { notedBoot, noteBoot } from './boot-note.ts'
import { bootId } from './boot.ts'
import { parseJournal, type Journal } from './journal.ts'
import { isGone, readSmall } from './kernel-file.ts'
import type { RunKey } from './run-driver.ts'
import { asideFolder, type SetAside } from './set-aside.ts'
import { replaceSmall } from './small-file.ts'
import { decodeSpec, type SpecFacts } from './spec.ts'

/** A stop as it stands in the folder: absolute, so that reading it twice changes nothing. */
export type StopRecord = { signal: number; killAtUptimeMs: number; cause: Cause }

export type RunRecord = {
  key: RunKey
  spec: SpecFacts
  /** Null until a shepherd has claimed the folder. */
  journal: Journal | null
  stop: StopRecord | null
}

export function runFolders(nodeDir: string) {
  const runs = join(nodeDir, 'runs')
  const aside = asideFolder(nodeDir)
  const folder = (key: RunKey) => join(runs, key)
  const memory = remembered(folder)
  return {
    folder,
    /** Tells which runs of an earlier boot are forgotten: of their records a loss of power left torn pieces. */
    async prepare(): Promise<RunKey[]> {
      await mkdir(runs, { recursive: true, mode: 0o700 })
      await aside.prepare()
      const halfMade = (await readdir(runs)).filter((name) => name.startsWith('.'))
      for (const name of halfMade)
        await rm(join(runs, name), { recursive: true, force: true }).catch(() => {})
      return forgetTorn(this, nodeDir)
    },
    async keys(): Promise<RunKey[]> {
      return (await readdir(runs)).filter((name) => !name.startsWith('.'))
    },
    create: (key: RunKey, spec: Buffer) => createWhole(runs, key, spec),
    /** Null when the folder is gone; `damaged` when it cannot be understood, or not be read. */
    async load(key: RunKey): Promise<RunRecord | 'damaged' | null> {
      try {
        const spec = await memory.spec(key)
        const text = readOrNull(join(folder(key), 'journal'))
        const journal = text === null ? null : parseJournal(text)
        const isTorn = text !== null && !journal
        if (!spec || (isTorn && spec.bootId === bootId)) return 'damaged'
        return { key, spec, journal, stop: await memory.stop(key) }
      } catch (error) {
        if (isOurs(error)) throw error
        return isGone(error) && !(await exists(folder(key))) ? null : 'damaged'
      }
    },
    /** When the run last wrote something; synchronous, for it is asked for every run at each look. */
    lastOutputAt: (key: RunKey): number | null => lastOutputIn(folder(key)),
    async writeStop(key: RunKey, stop: StopRecord): Promise<void> {
      const path = join(folder(key), 'stop')
      const text = `${stop.signal} ${stop.killAtUptimeMs}\n${JSON.stringify(stop.cause)}\n`
      replaceSmall(path, text)
      memory.keepStop(key, stop)
    },
    /** Beside the spec, which never changes. */
    async writeSingle(key: RunKey): Promise<void> {
      writeFileSync(join(folder(key), 'single'), '', { mode: 0o600 })
    },
    /** Of a record that cannot be read; where it cannot be moved it stays in its place. */
    async setAside(key: RunKey, isOver = false): Promise<SetAside> {
      const moved = await aside.put(key, folder(key), isOver)
      if (moved) memory.forget(key)
      return moved ?? { place: folder(key), detail: notMoved }
    },
    aside: () => aside.list(),
    async remove(key: RunKey): Promise<void> {
      memory.forget(key)
      await removeWhole(runs, key)
      await aside.letGo(key)
    },
  }
}

const notMoved = 'damaged record, set aside to nowhere: it could not be moved'

type Shelf = {
  keys(): Promise<RunKey[]>
  load(key: RunKey): Promise<RunRecord | 'damaged' | null>
  setAside(key: RunKey, isOver: boolean): Promise<SetAside>
}

/** In this boot a record that nobody can read might be of processes that live: that is an oddity, and stays. */
async function forgetTorn(shelf: Shelf, nodeDir: string): Promise<RunKey[]> {
  const noted = notedBoot(nodeDir)
  if (noted === bootId) return []
  const torn: RunKey[] = []
  for (const key of noted === null ? [] : await shelf.keys()) {
    if ((await shelf.load(key)) !== 'damaged') continue
    // Where it cannot be moved it is an oddity like any other: that keeps no agent from starting.
    if ((await shelf.setAside(key, true)).detail !== notMoved) torn.push(key)
  }
  noteBoot(nodeDir)
  return torn
}

/** Folders of those runs in which no shepherd has begun yet. */
export async function unclaimed(
  folders: ReturnType<typeof runFolders>,
  keys: readonly RunKey[],
): Promise<string[]> {
  const records = await Promise.all(keys.map((key) => folders.load(key)))
  return records
    .filter((record) => record !== null && record !== 'damaged')
    .filter((record) => !record.journal && record.spec.bootId === bootId)
    .map((record) => folders.folder(record.key))
}

function lastOutputIn(folder: string): number | null {
  try {
    return Number(readSmall(join(folder, 'output'))) || null
  } catch (error) {
    if (isOurs(error)) throw error
    return null
  }
}

const alwaysThere = ['journal', 'spec']

/** Made under another name first: a folder without a spec is never seen. */
async function createWhole(runs: string, key: RunKey, spec: Buffer): Promise<void> {
  const made = join(runs, `.${key}`)
  rmSync(made, { recursive: true, force: true })
  try {
    mkdirSync(made, { mode: 0o700 })
    writeFileSync(join(made, 'spec'), spec, { mode: 0o600 })
    renameSync(made, join(runs, key))
  } catch (error) {
    await rm(made, { recursive: true, force: true }).catch(() => {})
    throw error
  }
}

/** Gone at once: a spec that outlived its journal would be a run that is yet to begin, and begin again. */
async function removeWhole(runs: string, key: RunKey): Promise<void> {
  const going = join(runs, `.${key}`)
  try {
    renameSync(join(runs, key), going)
  } catch (error) {
    if (!isGone(error)) throw error
  }
  // Mostly that is all there is, and a recursive removal costs several times more.
  try {
    for (const name of alwaysThere) unlinkSync(join(going, name))
    rmdirSync(going)
  } catch {
    await rm(going, { recursive: true, force: true })
  }
}

/** What need not be read again at each look. */
function remembered(folder: (key: RunKey) => string) {
  // A spec never changes: reading it once saves half the work of every later look.
  const specs = new Map<RunKey, SpecFacts>()
  // Only the agent writes stops, so what was read or written once still stands.
  const stops = new Map<RunKey, StopRecord | null>()
  return {
    async spec(key: RunKey): Promise<SpecFacts | null> {
      const known = specs.get(key)
      if (known) return known
      const spec = decodeSpec(readFileSync(join(folder(key), 'spec')))
      if (spec) specs.set(key, spec)
      return spec
    },
    async stop(key: RunKey): Promise<StopRecord | null> {
      const known = stops.get(key)
      if (known !== undefined) return known
      const text = readOrNull(join(folder(key), 'stop'))
      const stop = text === null ? null : parseStop(text)
      stops.set(key, stop)
      return stop
    },
    keepStop: (key: RunKey, stop: StopRecord) => void stops.set(key, stop),
    forget(key: RunKey): void {
      specs.delete(key)
      stops.delete(key)
    },
  }
}

function parseStop(text: string): StopRecord | null {
  const [line, cause] = text.split('\n', 2)
  const [signal, killAtUptimeMs] = (line ?? '').split(' ').map(Number)
  try {
    return {
      signal: signal ?? 0,
      killAtUptimeMs: killAtUptimeMs ?? 0,
      cause: JSON.parse(cause ?? '') as Cause,
    }
  } catch {
    return null
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isGone(error)) return null
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (isGone(error)) return false
      throw error
    },
  )
}

/** What we ran out of says nothing of the record. Any other failure is the record's: it holds up no other run. */
function isOurs(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR'].includes(code ?? '')
}

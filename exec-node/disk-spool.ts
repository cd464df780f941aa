/** The spool on disk: one file per placement, replaced as a whole; what cannot be read is set aside. */
import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { keepSecret } from '../src/lib/secret-file.ts'
import { words } from './act.ts'
import { keyOf } from './core/record.ts'
import type { KeptState, Loaded, Spool } from './ports.ts'
import type { LeaseRecord } from './process/run-driver.ts'
import { replaceOften, replaceSmall, settleSmall } from './process/small-file.ts'
import { flawOf, isRecord } from './record-shape.ts'
import { reserveIn } from './reserve.ts'
import { openedRecord, sealedRecord } from './sealed-record.ts'

type WriteLease = (nodeDir: string, lease: LeaseRecord) => Promise<void>

export async function openSpool(dataDir: string, writeLease: WriteLease): Promise<Spool> {
  const folder = join(dataDir, 'placements')
  const statePath = join(dataDir, 'agent.json')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const room = reserveIn(dataDir)
  const secret = await room.write(() => keepSecret(join(dataDir, 'spool-key')))
  const key = Buffer.from(secret, 'hex')
  await room.keep()
  return {
    async load() {
      const loaded = await load(dataDir, folder, statePath)
      return { ...loaded, placements: loaded.placements.map((record) => openedRecord(key, record)) }
    },
    save: (record) =>
      room.write(() =>
        replaceOften(
          join(folder, `${keyOf(record)}.json`),
          JSON.stringify(sealedRecord(key, record)),
        ),
      ),
    async remove(key) {
      rmSync(join(folder, `${key}.json`), { force: true })
      await room.keep()
    },
    // Which grid this node is of must outlive a loss of power: ext4 then has the old file or the new one.
    saveState: (state) => room.write(() => replaceSmall(statePath, JSON.stringify(state))),
    writeLease: (lease) => room.write(() => writeLease(dataDir, lease)),
  }
}

async function load(dataDir: string, folder: string, statePath: string): Promise<Loaded> {
  const loaded: Loaded = { state: null, placements: [], damaged: [] }
  const setAside = async (path: string, name: string, detail: string) => {
    loaded.damaged.push({ name, detail })
    const aside = join(dataDir, 'damaged')
    try {
      await mkdir(aside, { recursive: true, mode: 0o700 })
      await rename(path, join(aside, `${name}.${randomUUID()}`))
    } catch (error) {
      // On a full disk it stays where it is, and is told of again at the next start.
      loaded.damaged.push({ name, detail: `it could not be moved away: ${words(error)}` })
    }
  }
  const settle = (path: string) => {
    try {
      settleSmall(path)
    } catch (error) {
      loaded.damaged.push({ name: `${basename(path)}.new`, detail: words(error) })
    }
  }
  for (const name of await readdir(folder)) settle(join(folder, name.replace(/\.new$/, '')))
  settle(statePath)
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (!name.endsWith('.json')) {
      await rm(path, { force: true }).catch((error: unknown) => {
        loaded.damaged.push({ name, detail: words(error) })
      })
      continue
    }
    const read = readJson(path)
    if (!read.ok) await setAside(path, name, read.detail)
    else if (isRecord(read.value) && `${keyOf(read.value)}.json` === name) {
      loaded.placements.push(read.value)
    } else await setAside(path, name, flawOf(read.value) ?? 'it is of another placement')
  }
  const state = readJson(statePath)
  if (!state.ok && !state.absent) await setAside(statePath, 'agent.json', state.detail)
  else if (state.ok && isState(state.value)) loaded.state = state.value
  else if (state.ok) await setAside(statePath, 'agent.json', 'it is no state of an agent')
  return loaded
}

type Read = { ok: true; value: unknown } | { ok: false; absent: boolean; detail: string }

/** Read at once: nothing else goes on yet, and the way through the thread pool costs several times more. */
function readJson(path: string): Read {
  try {
    return { ok: true, value: JSON.parse(readFileSync(path, 'utf8')) }
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return { ok: false, absent, detail: words(error) }
  }
}

function isState(value: unknown): value is KeptState {
  return typeof value === 'object' && value !== null && (value as KeptState).format === 1
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, onTestFinished } from 'vitest'

import { openEngine } from '../../../scheduler/store/engine.ts'
import { inThreadStore, storeOn } from '../../../scheduler/store/in-thread-store.ts'
import type { Store } from '../../../scheduler/store/store.ts'
import { openStore } from '../../../scheduler/store/worker-store.ts'
import { storeContract } from '../../contract/store.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

async function onFile(open: (path: string) => Store | Promise<Store>) {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-store-'))
  folders.push(folder)
  const path = join(folder, 'evergrid.db')
  let store = await open(path)
  onTestFinished(() => store.close())
  const reopen = async () => {
    await store.close()
    return (store = await open(path))
  }
  return { store, reopen }
}

describe('in a thread of its own', () => {
  storeContract(() => onFile((path) => openStore(path, { reserveBytes: 0 })))
})
describe('in the same thread', () => {
  storeContract(() => onFile((path) => inThreadStore(path, { reserveBytes: 0 })))
})
describe('in memory, restarted on the same engine', () => {
  storeContract(async () => {
    const engine = openEngine(':memory:')
    onTestFinished(() => engine.close())
    return { store: storeOn(engine), reopen: async () => storeOn(engine) }
  })
})

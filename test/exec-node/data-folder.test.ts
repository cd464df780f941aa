/** Who an agent is must survive a power loss: `npm run chaos -- --scenario power` shows it, here is what it rests on. */
import { mkdtemp, open, readdir, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test, vi } from 'vitest'

import { thisMachine } from '../../exec-node/data-folder.ts'

test('the name of a folder is on disk, and so is its entry, before anybody hears it; it stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'evergrid-folder-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const handle = await open(folder, 'r')
  const sync = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'sync')
  await handle.close()
  const name = await thisMachine(folder)
  expect(sync).toHaveBeenCalledTimes(2)
  expect(await thisMachine(folder)).toBe(name)
  expect(sync).toHaveBeenCalledTimes(2)
  expect(await readdir(folder)).toEqual(['folder-id'])
})

/** Who an agent is must survive a power loss: `npm run chaos -- --scenario power` shows it, here is what it rests on. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, open, readdir, rm, writeFile, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test, vi } from 'vitest'

import { takeDataFolder, thisMachine } from '../../exec-node/data-folder.ts'
import { openSpool } from '../../exec-node/disk-spool.ts'
import { writeLease } from '../../exec-node/process/lease-file.ts'

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

test.runIf(process.getuid?.() === 0)('a folder on a full disk is taken all the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'evergrid-folder-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=700', 'evergrid-test', folder])
  onTestFinished(async () => {
    execFileSync('umount', [folder])
    await rm(folder, { recursive: true })
  })
  await openSpool(folder, writeLease)
  const fill = writeFile(join(folder, 'filling'), Buffer.alloc(8 << 20, 1))
  await expect(fill).rejects.toThrow('ENOSPC')
  const taken = await takeDataFolder(folder)
  expect(await readdir(folder)).toContain('exec-node.pid')
  await taken.release()
})

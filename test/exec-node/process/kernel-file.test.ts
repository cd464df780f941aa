/** What cannot be read is not taken for gone. */
import { mkdtempSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { bootId } from '../../../exec-node/process/boot.ts'
import { readIfAllowed, readSmall } from '../../../exec-node/process/kernel-file.ts'
import { runFolders } from '../../../exec-node/process/run-folder.ts'
import { exhausted } from '../../support/exhausted.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'evergrid-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))
const spec = Buffer.from(`boot=${bootId}\0tmp=/x\0uid=1\0gid=1\0grace=1\0arg=true\0`)

it('a file that is gone is null, one that cannot be read throws', () => {
  const loop = join(root, 'loop')
  symlinkSync(loop, loop)
  for (const read of [readSmall, readIfAllowed]) {
    expect(read(join(root, 'none'))).toBeNull()
    expect(() => read(loop)).toThrow('ELOOP')
  }
})

it('a record is damaged when it does not parse or cannot be read, not when we ran out of something', async () => {
  const folders = runFolders(root)
  await folders.prepare()
  await folders.create('a.1', spec)
  const journal = join(folders.folder('a.1'), 'journal')
  await expect(exhausted(() => folders.load('a.1'))).rejects.toThrow('EMFILE')
  expect(await folders.load('a.1')).toMatchObject({ journal: null, stop: null })
  writeFileSync(journal, 'nonsense\n')
  expect(await folders.load('a.1')).toBe('damaged')
  rmSync(journal)
  symlinkSync(journal, journal)
  expect(await folders.load('a.1')).toBe('damaged')
  expect(await folders.load('a.2')).toBeNull()
})

it('a folder half made by an agent that was killed is made anew', async () => {
  const folders = runFolders(root)
  await folders.prepare()
  for (const name of ['.a.1', '.a.2']) mkdirSync(join(root, 'runs', name))
  await folders.create('a.1', spec)
  expect(await folders.load('a.1')).toMatchObject({ key: 'a.1' })
  await folders.prepare()
  expect(readdirSync(join(root, 'runs'))).toEqual(['a.1'])
})

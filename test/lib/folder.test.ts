import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { folderProblem, makeFolders } from '../../src/lib/folder.ts'

function problem(path: string): string | null {
  try {
    makeFolders(path)
    return null
  } catch (error) {
    return folderProblem(error)
  }
}

test('a folder is made with what is missing above it, and the first that was made is told', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-folder-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  expect(makeFolders(join(folder, 'a/b/c'), 0o700)).toBe(join(folder, 'a'))
  for (const made of ['a', 'a/b', 'a/b/c'])
    expect(statSync(join(folder, made)).mode & 0o777).toBe(0o700)
  expect(makeFolders(join(folder, 'a/b/c'))).toBeUndefined()
  expect(makeFolders(join(folder, 'a/b/d/'))).toBe(join(folder, 'a/b/d'))
  symlinkSync(join(folder, 'a'), join(folder, 'to-a'))
  expect(makeFolders(join(folder, 'to-a/e'))).toBe(join(folder, 'to-a/e'))
})

test('where no folder can be, that is said', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-folder-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'file'), '')
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'))
  for (const path of ['file', 'file/under', 'file/far/under', 'dangling', 'dangling/under'])
    expect(problem(join(folder, path)), path).toBe('it is no folder')
  expect(problem('/proc/x')).toBe('no folder can be made there')
  expect(problem('/proc/x/y/z')).toBe('no folder can be made there')
})

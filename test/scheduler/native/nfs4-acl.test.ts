/** Access lists of NFS 4, made as RFC 8881 writes them: who but the owner may write is found, and what is cut counts as open. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { compiled } from '../../support/compiled.ts'

let folder: string
let program: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evergrid-acl-'))
  program = compiled(folder, 'acl', 'scheduler')
})
afterAll(() => rmSync(folder, { recursive: true }))

const isOpen = (list: Buffer) => spawnSync(program, { input: list }).status === 1

type Entry = [who: string, rights: number, flags?: number, type?: number]
const word = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const listOf = (...entries: Entry[]) =>
  Buffer.concat([
    word(entries.length),
    ...entries.flatMap(([who, rights, flags = 0, type = 0]) => [
      ...[type, flags, rights, who.length].map(word),
      Buffer.from(who),
      Buffer.alloc((4 - (who.length % 4)) % 4),
    ]),
  ])

const [all, look] = [0x1601ff, 0x1200a9]
const closed: Entry[] = [
  ['OWNER@', all],
  ['GROUP@', look, 0x40],
  ['EVERYONE@', look],
]

test('as a folder of mode 0755 has it, closed', () => {
  expect(isOpen(listOf(...closed))).toBe(false)
  expect(isOpen(listOf())).toBe(false)
})

test.each<[string, Entry, boolean]>([
  ['a group that adds files', ['GROUP@', look | 0x2, 0x40], true],
  ['everybody who adds folders', ['EVERYONE@', 0x4], true],
  ['somebody by name', ['mallory@example.org', 0x2], true],
  ['who may delete what is in it', ['mallory@example.org', 0x40], true],
  ['who may change the list', ['1002', 0x40000], true],
  ['who may take it', ['1002', 0x80000], true],
  ['a name that only looks like the owner', ['OWNER@x', 0x2], true],
  ['who is denied it', ['GROUP@', 0x2, 0x40, 1], false],
  ['what only children get: they are looked at themselves', ['GROUP@', 0x2, 0x4b], false],
  ['somebody who may look', ['mallory@example.org', look], false],
])('%s', (_what, entry, expected) => {
  expect(isOpen(listOf(...closed, entry))).toBe(expected)
  expect(isOpen(listOf(entry, ...closed))).toBe(expected)
})

test('what is cut, or counts wrong, is open', () => {
  const whole = listOf(...closed)
  for (let size = 0; size < whole.length - 3; size += 1)
    expect({ size, open: isOpen(whole.subarray(0, size)) }).toEqual({ size, open: true })
  const many = Buffer.concat([word(0xffffffff), whole.subarray(4)])
  expect(isOpen(many)).toBe(true)
  const long = Buffer.from(whole)
  long.writeUInt32BE(0xfffffffe, 16)
  expect(isOpen(long)).toBe(true)
})

/** The grid's authority and its scheduler's certificate: made once, kept to themselves, renewed in time. */
import { X509Certificate } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { openTls, type Tls } from '../../../scheduler/tls/keep.ts'
import { namesAt } from '../../../scheduler/tls/names.ts'

const dayMs = 86_400_000
const start = Date.parse('2026-11-27T12:00:00Z')
let dataDir: string
let names = ['localhost', '127.0.0.1', '::1']
const open = (now = start) => openTls({ dataDir, names: () => names, now })
const leafOf = (tls: Tls) => new X509Certificate(tls.shown.certificate)

let first: Tls
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'evergrid-tls-'))
  first = await open()
})
afterAll(() => rmSync(dataDir, { recursive: true }))

test('a first start makes an authority of twenty years and a certificate of ninety days, for the scheduler alone to read', () => {
  const authority = new X509Certificate(first.authority)
  expect(authority.ca).toBe(true)
  expect(Date.parse(authority.validTo) - start).toBe(20 * 365 * dayMs)
  const leaf = leafOf(first)
  expect(leaf.ca).toBe(false)
  expect(leaf.verify(authority.publicKey) && leaf.checkIssued(authority)).toBe(true)
  expect(first.endsAt - start).toBe(90 * dayMs)
  expect([leaf.checkHost('localhost'), leaf.checkIP('127.0.0.1'), leaf.checkIP('::1')]).toEqual([
    'localhost',
    '127.0.0.1',
    '::1',
  ])
  expect(first.fingerprint).toBe(authority.fingerprint256.replaceAll(':', '').toLowerCase())
  for (const name of ['authority.pem', 'authority-key.pem', 'certificate.pem'])
    expect(statSync(join(dataDir, name)).mode & 0o777).toBe(0o600)
})

test('the next start shows the same; at two thirds of its life, or for a new name, another of the same authority', async () => {
  const again = await open(start + 59 * dayMs)
  expect(again.shown).toEqual(first.shown)
  expect(await again.renew(start + 59 * dayMs)).toBe(false)
  expect(await again.renew(start + 61 * dayMs)).toBe(true)
  expect(again.endsAt).toBe(start + 151 * dayMs)
  expect(again.fingerprint).toBe(first.fingerprint)
  expect(readFileSync(join(dataDir, 'certificate.pem'), 'utf8')).toContain(again.shown.certificate)
  names = [...names, 'grid.example']
  expect(await again.renew(start + 61 * dayMs)).toBe(true)
  expect(leafOf(again).checkHost('grid.example')).toBe('grid.example')
  expect(await again.renew(start + 61 * dayMs)).toBe(false)
  // A clock that went back finds it too new, and makes one that is good now.
  expect(await again.renew(start)).toBe(true)
})

test('keys that others may know, and an authority without its key, are refused in words', async () => {
  const key = join(dataDir, 'authority-key.pem')
  chmodSync(key, 0o640)
  await expect(open()).rejects.toThrow('authority-key.pem must belong to')
  chmodSync(key, 0o600)
  const kept = readFileSync(key)
  rmSync(key)
  await expect(open()).rejects.toThrow('Put it back from a backup')
  writeFileSync(key, first.shown.key, { mode: 0o600 })
  await expect(open()).rejects.toThrow('is not the key of the authority')
  writeFileSync(key, kept)
  expect((await open()).fingerprint).toBe(first.fingerprint)
})

test('a first start that was cut short after the key begins again', async () => {
  const other = mkdtempSync(join(tmpdir(), 'evergrid-tls-'))
  writeFileSync(join(other, 'authority-key.pem'), 'half', { mode: 0o600 })
  const tls = await openTls({ dataDir: other, names: () => names, now: start })
  expect(leafOf(tls).verify(new X509Certificate(tls.authority).publicKey)).toBe(true)
  rmSync(other, { recursive: true })
})

test('the names are those of the address, of the host, and what else is said', () => {
  const said = namesAt('192.0.2.7', ['Grid.Example'])
  expect(said).toEqual(
    expect.arrayContaining(['localhost', '127.0.0.1', '::1', '192.0.2.7', 'grid.example']),
  )
  expect(namesAt('0.0.0.0', [])).not.toContain('0.0.0.0')
})

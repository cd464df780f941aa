import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { bearerFor, findNodeSecret, forgetBearer } from '../../src/client/credentials.ts'
import { provenAgent } from '../../src/client/prove-scheduler.ts'
import { findEndpoint, removeEndpoint, writeEndpoint } from '../../src/lib/endpoint.ts'
import { aRoom } from '../scheduler/http/a-room.ts'
import { isRoot, nobody, outputAs } from '../support/as-user.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evergrid-client-'))
  for (const name of ['XDG_STATE_HOME', 'XDG_CACHE_HOME', 'EVERGRID_DATA']) {
    vi.stubEnv(name, join(folder, name))
  }
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const secretIn = (path: string, digit: string, name = 'secret') => {
  mkdirSync(join(folder, path), { recursive: true })
  writeFileSync(join(folder, path, name), `${digit.repeat(64)}\n`)
}

test('the secret is found in the data folder, and another one after a refusal', async () => {
  const url = 'http://127.0.0.1:1'
  const agent = provenAgent(url)
  secretIn('EVERGRID_DATA', 'a')
  secretIn('EVERGRID_DATA/scheduler', 'b')
  expect(await bearerFor(url, agent)).toBe('b'.repeat(64))
  forgetBearer(url)
  expect(await bearerFor(url, agent)).toBe('a'.repeat(64))
  forgetBearer(url)
  await expect(bearerFor(url, agent)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('only the URL is known: the scheduler’s own note leads to its folder', async () => {
  const address = { host: '127.0.0.1', port: 9 }
  const url = 'http://localhost:9'
  const uid = process.getuid?.() ?? 0
  secretIn('data', 'c')
  secretIn('data', 'd', 'node-secret')
  expect(findEndpoint(url)).toBe(null)
  const endpoint = { data: join(folder, 'data'), pid: process.pid, grid: 'g', uid }
  writeEndpoint(address, endpoint)
  try {
    expect(findEndpoint(url)).toEqual(endpoint)
    expect(await bearerFor(url, provenAgent(url))).toBe('c'.repeat(64))
    expect(findNodeSecret({ url })).toBe('d'.repeat(64))
  } finally {
    removeEndpoint(address)
  }
  expect(findEndpoint(url)).toBe(null)
})

test('a node finds its secret by a file, beside its own folder, or not at all', () => {
  const url = 'http://127.0.0.1:1'
  expect(findNodeSecret({ url, dataDir: join(folder, 'grid/node1') })).toBe(null)
  secretIn('grid/scheduler', 'e', 'node-secret')
  secretIn('given', 'f', 'n')
  expect(findNodeSecret({ url, dataDir: join(folder, 'grid/node1') })).toBe('e'.repeat(64))
  expect(findNodeSecret({ url, file: join(folder, 'given/n') })).toBe('f'.repeat(64))
})

test('a private grid tells a stranger that it is private', async () => {
  const room = await aRoom('secret')
  const agent = provenAgent(room.url)
  await expect(bearerFor(room.url, agent)).rejects.toThrow('is private')
  agent.destroy()
  await room.end()
})

const child = `
  const [, , url] = process.argv
  const { bearerFor, forgetBearer } = await import(process.cwd() + '/src/client/credentials.ts')
  const { provenAgent } = await import(process.cwd() + '/src/client/prove-scheduler.ts')
  const agent = provenAgent(url)
  const first = await bearerFor(url, agent)
  forgetBearer(url)
  const second = await bearerFor(url, agent)
  const reply = await fetch(url + '/v1/whoami', { headers: { authorization: 'Bearer ' + second } })
  console.log(JSON.stringify({ renewed: first !== second, ...(await reply.json()) }))
  process.exit()`

test.skipIf(!isRoot)(
  'an ordinary account proves itself to root’s grid, again when forgotten',
  async () => {
    const room = await aRoom('file')
    chmodSync(folder, 0o755)
    const cache = join(folder, 'cache')
    mkdirSync(cache)
    chmodSync(cache, 0o777)
    writeFileSync(join(folder, 'child.mts'), child)
    const argv = [process.execPath, '--import', 'tsx', join(folder, 'child.mts'), room.url]
    const env = { XDG_CACHE_HOME: cache, XDG_STATE_HOME: cache, HOME: cache, TMPDIR: cache }
    const said = JSON.parse(await outputAs(nobody.uid, argv, env)) as unknown
    expect(said).toEqual({ renewed: true, owner: nobody.name, token: null, rights: 'user' })
    await room.end()
  },
)

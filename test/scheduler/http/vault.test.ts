/** Secrets of jobs cross this edge: in clear outside, sealed inside. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { OrderLine } from '../../../proto/sync.ts'
import { openVault } from '../../../scheduler/http/vault.ts'
import { order } from '../../exec-node/grid.ts'
import { aRoom, post } from './a-room.ts'

const value = 'hunter2 ✓\n"quoted"'
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evergrid-vault-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const lineWith = (secretEnv: Record<string, string>): OrderLine => ({
  kind: 'full',
  grid: 'g',
  revision: { incarnation: 1, counter: 1 },
  orders: [order(1), order(2, {}, { env: { A: 'plain' }, secretEnv })],
})
const ordersOf = (line: OrderLine) => ('orders' in line ? line.orders : [])

test('what was sealed is opened for the node, by the next start too', () => {
  const body = { command: ['true'], secretEnv: { TOKEN: value, KEPT: null } }
  const sealed = openVault(folder).seal(body) as { secretEnv: { TOKEN: string; KEPT: null } }
  expect(sealed).toMatchObject({ command: ['true'], secretEnv: { KEPT: null } })
  expect(JSON.stringify(sealed)).not.toContain('hunter2')
  const [plain, opened] = ordersOf(
    openVault(folder).open(lineWith({ TOKEN: sealed.secretEnv.TOKEN })),
  )
  expect(plain).toEqual(order(1))
  expect(opened).toMatchObject({ secrets: ['TOKEN'], spec: { env: { A: 'plain', TOKEN: value } } })
  expect(opened?.spec).not.toHaveProperty('secretEnv')
})

test('a value does not open under another name or another key: the order says its name alone', () => {
  const sealed = openVault(folder).seal({ secretEnv: { TOKEN: value } }) as {
    secretEnv: { TOKEN: string }
  }
  const other = ordersOf(openVault(folder).open(lineWith({ OTHER: sealed.secretEnv.TOKEN })))[1]
  expect(other).toMatchObject({ secrets: ['OTHER'], spec: { env: { A: 'plain' } } })
  expect(other?.spec.env).not.toHaveProperty('OTHER')
  rmSync(join(folder, 'secret-key'))
  const anew = ordersOf(openVault(folder).open(lineWith(sealed.secretEnv)))[1]
  expect(anew?.spec.env).toEqual({ A: 'plain' })
})

test('jobs of schedules and crontabs are sealed too; what has no secrets is not copied', () => {
  const vault = openVault(folder)
  const job = { command: ['true'], secretEnv: { TOKEN: value } }
  for (const body of [
    { name: 'a', job },
    {
      schedules: [
        { name: 'a', job },
        { name: 'b', job },
      ],
    },
  ])
    expect(JSON.stringify(vault.seal(body))).not.toContain('hunter2')
  const plain = { command: ['a'], env: { secretEnv: 'x' }, notes: { secretEnv: 'y' }, list: [{}] }
  expect(vault.seal(plain)).toBe(plain)
})

test('a key that others could read is not used', () => {
  openVault(folder)
  chmodSync(join(folder, 'secret-key'), 0o640)
  expect(() => openVault(folder)).toThrow('mode 0600')
})

test('over HTTP the brain gets sealed values, and a request sent again is the same request', async () => {
  const room = await aRoom()
  try {
    const body = { command: ['true'], cwd: '/', secretEnv: { TOKEN: value } }
    const first = await room.ask('/v1/jobs', { ...post(body), key: 'k' })
    expect(first.status).toBe(200)
    const again = await room.ask('/v1/jobs', { ...post(body), key: 'k' })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const other = { ...body, secretEnv: { TOKEN: 'another' } }
    expect((await room.ask('/v1/jobs', { ...post(other), key: 'k' })).status).toBe(422)
    expect(room.door.calls).toHaveLength(1)
    expect(JSON.stringify(room.door.calls)).not.toContain('hunter2')
    expect(JSON.stringify([...room.door.replies])).not.toContain('hunter2')
  } finally {
    await room.end()
  }
})

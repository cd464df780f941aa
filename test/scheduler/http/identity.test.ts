import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { routes } from '../../../proto/api.ts'
import type { Access } from '../../../proto/route.ts'
import { refuseAccess } from '../../../scheduler/core/identity/access.ts'
import { operatorsWatch } from '../../../scheduler/http/identity/operators.ts'
import { listen } from '../../../scheduler/http/listen.ts'
import { keepSecret } from '../../../src/lib/secret-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evergrid-secret-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('a secret is made once, for its owner alone', () => {
  const path = join(folder, 'secret')
  const secret = keepSecret(path)
  expect(secret).toMatch(/^[0-9a-f]{64}$/)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(keepSecret(path)).toBe(secret)
  expect(readFileSync(path, 'utf8').trim()).toBe(secret)
})

test('a secret that others could read is not used; half a one is made anew', () => {
  const path = join(folder, 'secret')
  keepSecret(path)
  chmodSync(path, 0o640)
  expect(() => keepSecret(path)).toThrow('with mode 0600')
  chmodSync(path, 0o600)
  writeFileSync(path, '')
  expect(keepSecret(path)).toMatch(/^[0-9a-f]{64}$/)
})

test('operators are asked for at most every few seconds; none while the machine cannot say', async () => {
  let now = 0
  let asked = 0
  let members: string[] | Error = ['ada']
  const isOperator = operatorsWatch(
    () => now,
    async () => {
      asked += 1
      if (members instanceof Error) throw members
      return members
    },
  )
  expect([await isOperator('ada'), await isOperator('bob')]).toEqual([true, false])
  expect(asked).toBe(1)
  members = new Error('the directory is down')
  now = 6000
  expect(await isOperator('ada')).toBe(false)
  expect(asked).toBe(2)
})

const person = (rights: 'user' | 'operator' | 'manager') =>
  ({ kind: 'person', owner: 'ada', rights, token: null }) as const

const of = (access: Access) => ({ ...routes.showJob, access })
const could = { operators: 'root, ole', managers: 'root, mia' }

test('rights', () => {
  const may = (access: Access, known: ReturnType<typeof person> | null) =>
    refuseAccess(of(access), known, 'file', could)?.code ?? 'yes'
  expect(may('open', null)).toBe('yes')
  expect(may('user', null)).toBe('unauthenticated')
  expect(may('user', person('user'))).toBe('yes')
  expect(may('operator', person('user'))).toBe('forbidden')
  expect(may('operator', person('operator'))).toBe('yes')
  expect(may('manager', person('operator'))).toBe('forbidden')
  expect(may('manager', person('manager'))).toBe('yes')
  expect(may('node', person('manager'))).toBe('forbidden')
  expect(refuseAccess(of('operator'), person('user'), 'file', could)?.detail).toContain('root, ole')
  expect(refuseAccess(of('manager'), person('operator'), 'file', could)?.detail).toContain(
    'root, mia',
  )
  expect(refuseAccess(of('node'), { kind: 'node', node: null }, 'file', could)).toBe(null)
  expect(refuseAccess(of('user'), { kind: 'node', node: null }, 'file', could)?.code).toBe(
    'forbidden',
  )
})

test('only loopback is listened on, unless told in words; until served, it says that it starts', async () => {
  await expect(listen({ host: '0.0.0.0', port: 0 })).rejects.toThrow('--insecure-network')
  await expect(listen({ host: 'grid.example', port: 0 })).rejects.toThrow('--insecure-network')
  const open = await listen({ host: '0.0.0.0', port: 0, insecureNetwork: true })
  const reply = await fetch(`http://127.0.0.1:${open.port}/v1/jobs`)
  expect(reply.status).toBe(503)
  expect(await reply.json()).toMatchObject({ code: 'unavailable' })
  expect((await fetch(`http://127.0.0.1:${open.port}/healthz`)).status).toBe(200)
  await open.close(0)
})

/** A whole HTTP room over a fake door, in a temporary data folder, on a free port. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  openIdentity,
  type IdentityKeeper,
  type LoginOptions,
} from '../../../scheduler/http/identity/keeper.ts'
import { listen, type Listener } from '../../../scheduler/http/listen.ts'
import type { Shown } from '../../../scheduler/http/secure-port.ts'
import { buildServer } from '../../../scheduler/http/server.ts'
import { openVault } from '../../../scheduler/http/vault.ts'
import { fakeDoor, type FakeDoor } from './fake-door.ts'

export type ARoom = {
  door: FakeDoor
  identity: IdentityKeeper
  listener: Listener
  url: string
  dataDir: string
  secret: string
  nodeSecret: string
  server: ReturnType<typeof buildServer>
  /** Moves the room's clock. */
  clock: { aheadMs: number }
  ask(path: string, init?: RequestInit & { as?: string | null; key?: string }): Promise<Reply>
  end(): Promise<void>
}
export type Reply = { status: number; headers: Headers; body: Record<string, unknown> }

export async function aRoom(
  proof: 'secret' | 'file' = 'secret',
  pingMs = 10_000,
  requestsUnderWay?: number,
  logins: LoginOptions & { shown?: Shown } = {},
): Promise<ARoom> {
  const dataDir = mkdtempSync(join(tmpdir(), 'evergrid-room-'))
  const door = fakeDoor()
  const clock = { aheadMs: 0 }
  const now = () => Date.now() + clock.aheadMs
  const { shown = null, ...ways } = logins
  const listener = await listen({ port: 0, shown })
  const options = { ...ways, dataDir, port: listener.port, door, now, proof }
  const identity = await openIdentity(options).catch(async (error: unknown) => {
    await listener.close(0)
    rmSync(dataDir, { recursive: true })
    throw error
  })
  const server = buildServer({
    door,
    identity,
    vault: openVault(dataDir),
    now,
    pingMs,
    requestsUnderWay,
    names: ['grid.example'],
  })
  await listener.serve(server)
  const secret = readFileSync(join(dataDir, 'secret'), 'utf8').trim()
  return {
    door,
    identity,
    listener,
    url: listener.url,
    dataDir,
    secret,
    nodeSecret: readFileSync(join(dataDir, 'node-secret'), 'utf8').trim(),
    server,
    clock,
    async ask(path, { as = secret, key, ...init } = {}) {
      const headers: Record<string, string> = {
        ...(as !== null && { authorization: `Bearer ${as}` }),
        ...(key !== undefined && { 'idempotency-key': key }),
        ...(init.body !== undefined && { 'content-type': 'application/json' }),
        ...(init.headers as Record<string, string>),
      }
      const reply = await fetch(listener.url + path, { ...init, headers })
      const text = await reply.text()
      const isJson = reply.headers.get('content-type')?.includes('json') === true
      const body = (isJson ? JSON.parse(text) : { text }) as Record<string, unknown>
      return { status: reply.status, headers: reply.headers, body }
    },
    async end() {
      await server.close()
      await listener.close(0)
      await identity.close()
      rmSync(dataDir, { recursive: true })
    },
  }
}

export const post = (body: unknown): { method: string; body: string } => ({
  method: 'POST',
  body: JSON.stringify(body),
})

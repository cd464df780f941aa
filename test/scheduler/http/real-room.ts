/** A whole HTTP room over a real brain on SQLite in memory: everybody known to it has a bearer. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { nodeIdentityText } from '../../../proto/node-identity.ts'
import { tokenText, type Scope } from '../../../proto/token.ts'
import { refuse } from '../../../scheduler/brain/call.ts'
import { openKnower } from '../../../scheduler/http/identity/knower.ts'
import { listen } from '../../../scheduler/http/listen.ts'
import { buildServer } from '../../../scheduler/http/server.ts'
import { openVault } from '../../../scheduler/http/vault.ts'
import { BrainGrid, operator } from '../../support/brain.ts'

export type RealRoom = {
  grid: BrainGrid
  url: string
  nodeSecret: string
  /** A token as a login gives it. */
  loginOf(owner: string, lastsMs?: number): string
  /** A token for a program of the owner's. */
  tokenOf(
    owner: string,
    scopes: Scope[],
    more?: { lastsMs?: number; revoked?: true },
  ): Promise<string>
  /** What a node shows that has joined, in the place of one that is there if need be. */
  identityOf(node: string): Promise<string>
  /** The status, and of JSON replies the body; streams are closed when they begin. */
  ask(method: string, path: string, as: string | null, body?: unknown): Promise<Told>
  end(): Promise<void>
}
export type Told = { status: number; body: Record<string, unknown> }

/** Run by `root`; kim is in the unix group `keepers`; the clock is the brain's. */
export async function realRoom(): Promise<RealRoom> {
  const dataDir = mkdtempSync(join(tmpdir(), 'evergrid-room-'))
  const grid = await BrainGrid.open()
  const door = grid.brain
  let named = 0
  const now = () => grid.clock.now()
  const listener = await listen({ port: 0 })
  const lookGroups = async (owner: string) => (owner === 'kim' ? ['keepers'] : [])
  const who = openKnower({ dataDir, door, now, self: 'root', proof: 'file', lookGroups })
  const noLogin = async () => refuse('wrong-state', 'nobody logs in here')
  const identity = {
    proof: 'file',
    proofFolder: null,
    who,
    ways: async () => [],
    login: noLogin,
    prove: noLogin,
    close: async () => {},
  } as const
  const server = buildServer({ door, identity, vault: openVault(dataDir), now })
  await listener.serve(server)
  return {
    grid,
    url: listener.url,
    nodeSecret: readFileSync(join(dataDir, 'node-secret'), 'utf8').trim(),
    loginOf(owner, lastsMs = 3_600_000) {
      const token = randomBytes(32).toString('hex')
      const hash = createHash('sha256').update(token).digest('hex')
      door.recordToken({ hash, owner, expiresAt: now() + lastsMs })
      return token
    },
    async tokenOf(owner, scopes, { lastsMs = 3_600_000, revoked } = {}) {
      const secret = randomBytes(32).toString('hex')
      const hash = createHash('sha256').update(secret).digest('hex')
      const caller = { owner, rights: 'user', from: 'test' } as const
      const name = `t${(named += 1)}`
      const body = { name, scopes, expiresInMs: lastsMs, hash }
      const { id } = await grid.ok('createToken', caller, { body })
      if (revoked) await grid.ok('revokeToken', caller, { params: { token: String(id) } })
      return tokenText(id, secret)
    },
    async identityOf(node) {
      const hex = randomBytes(32).toString('hex')
      const hash = createHash('sha256').update(hex).digest('hex')
      const body = { node, expiresInMs: 9000, hash }
      const { id } = await grid.ok('createJoinToken', operator, { body })
      const token = door.joinToken(id)
      if (token === null) throw new Error('no token')
      door.joinNode({ node, token, hash, from: 'test' })
      return nodeIdentityText(node, hex)
    },
    async ask(method, path, as, body) {
      const end = new AbortController()
      const reply = await fetch(listener.url + path, {
        method,
        signal: end.signal,
        headers: {
          ...(as !== null && { authorization: `Bearer ${as}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const isJson = /json$|json;/.test(reply.headers.get('content-type') ?? '')
      const isStream = reply.headers.get('content-type')?.includes('ndjson') === true
      const told = isJson && !isStream ? ((await reply.json()) as Told['body']) : {}
      end.abort()
      return { status: reply.status, body: told }
    },
    async end() {
      await server.close()
      await listener.close(0)
      rmSync(dataDir, { recursive: true })
    },
  }
}

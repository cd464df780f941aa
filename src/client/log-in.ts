/** Proves to a scheduler which account calls, in the first way that both of them have, and gets a token for it. */
import http from 'node:http'
import type { Socket } from 'node:net'
import { userInfo } from 'node:os'

import type { routes } from '../../proto/api.ts'
import type { LoginWay } from '../../proto/login.ts'
import type { Reply } from '../../proto/route.ts'
import { connectionName, proofText } from '../lib/proof-text.ts'
import { ClientError, refusalOf } from './client-error.ts'
import { NotKnown } from './not-known.ts'
import { waysToProve, type WayToProve } from './proof-ways.ts'
import { wireTable } from './wire-table.ts'

type Grid = Reply<typeof routes.grid>
type Challenge = Reply<typeof routes.login>
type Proven = Reply<typeof routes.prove>

export async function logIn(url: string, agent: http.Agent): Promise<Proven> {
  const one = oneConnection(agent)
  try {
    const grid = (await call(one, url, wireTable.grid)).answer as Grid
    if (grid.proof === 'secret') throw new NotKnown(privateGrid(url))
    // Declared by newer ones only.
    if ((grid.ways as LoginWay[] | undefined) === undefined) throw new NotKnown(older(url, grid))
    const failed: string[] = []
    for (const way of waysToProve) {
      if (!grid.ways.includes(way.name)) continue
      try {
        await way.ready?.(url)
        return await proveOnOne(url, one, way)
      } catch (error) {
        if (!(error instanceof NotKnown)) throw error
        failed.push(`${way.words}: ${error.message}`)
      }
    }
    throw new NotKnown(unproven(url, failed))
  } finally {
    one.destroy()
  }
}

const privateGrid = (url: string) =>
  `the grid at ${url} is private: it runs as one ordinary account, and the secret in its data folder ` +
  'is not readable for you. Run this as that account, or set EVERGRID_DATA to its data folder'

const older = (url: string, { version }: Grid) =>
  `the scheduler at ${url} (version ${version}) is older than this program and takes another proof of accounts: upgrade it, ` +
  'or use the eg that came with it'

const unproven = (url: string, failed: readonly string[]) =>
  `nothing proves your account to the scheduler at ${url}. What was tried: ${failed.join('; ')}. ` +
  'Programs, and people on other machines, can show a token instead: "eg token create" on its machine, EVERGRID_TOKEN here'

/** A challenge counts only on the connection that it was given on. */
function oneConnection(agent: http.Agent): http.Agent {
  const one = new http.Agent({ keepAlive: true, maxSockets: 1 })
  one.createConnection = agent.createConnection.bind(agent)
  const { protocol, defaultPort } = agent as { protocol?: string; defaultPort?: number }
  return Object.assign(one, { protocol, defaultPort })
}

function ownName(): string {
  try {
    return userInfo().username
  } catch {
    throw new NotKnown(`this machine has no account for uid ${process.getuid?.()}, which you are`)
  }
}

class Reconnected extends Error {}

/** An idle connection may close just between the two calls, and the challenge with it: then once more. */
async function proveOnOne(url: string, one: http.Agent, way: WayToProve): Promise<Proven> {
  try {
    return await prove(url, one, way)
  } catch (error) {
    if (error instanceof NotKnown || error instanceof ClientError) throw error
    return prove(url, one, way)
  }
}

async function prove(url: string, one: http.Agent, { name, show }: WayToProve): Promise<Proven> {
  const user = ownName()
  const asked = await call(one, url, wireTable.login, { user, way: name })
  const { challenge, nonce, file } = asked.answer as Challenge
  if (!/^[0-9a-f]{32}$/.test(challenge) || !/^[0-9a-f]{64}$/.test(nonce))
    throw new NotKnown(`${url} gave no challenge as a scheduler does`)
  const connection = connectionName(asked.socket, 'client')
  if (connection === null) throw new Reconnected(`${url} closed the connection`)
  const text = proofText({ way: name, user, challenge, nonce, connection })
  const shown = await show({ url, challenge, file, text })
  try {
    const body = shown.credential === undefined ? {} : { credential: shown.credential }
    const proven = await call(one, url, wireTable.prove, { challenge, ...body }, asked.socket)
    return proven.answer as Proven
  } finally {
    await shown.undo()
  }
}

/** Of no way in particular: later it may do. */
const passing: ReadonlySet<string> = new Set(['unavailable', 'too-many-requests'])

type Called = { answer: unknown; socket: Socket }

/** `same`: the connection that it must be; the agent opens another where that has ended. */
async function call(
  agent: http.Agent,
  url: string,
  [method, path]: readonly [string, string],
  body?: object,
  same?: Socket,
): Promise<Called> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers = text === undefined ? {} : { 'content-type': 'application/json' }
  const request = http.request(new URL(path, url), { agent, method, headers })
  request.setTimeout(30_000, () => request.destroy(new Error(`${url} does not answer`)))
  const reply = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject)
    request.end(text)
  })
  const { socket } = reply
  const parts: Buffer[] = []
  for await (const part of reply) parts.push(part as Buffer)
  if (same !== undefined && socket !== same) throw new Reconnected(`${url} closed the connection`)
  const said = Buffer.concat(parts).toString()
  if (reply.statusCode === 200) return { answer: JSON.parse(said), socket }
  const refusal = refusalOf(reply.statusCode ?? 0, said, url)
  throw passing.has(refusal.code) ? refusal : new NotKnown(refusal.detail)
}

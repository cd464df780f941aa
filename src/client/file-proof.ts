/** Proves to a scheduler on this machine which account calls, by a file that only this account could have made. */
import { lstat, mkdir, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'

import type { routes } from '../../proto/api.ts'
import type { Reply } from '../../proto/route.ts'
import { addressOf } from '../lib/loopback.ts'
import { proofFileOf, proofFolderMode, proofFolderOf } from '../lib/proof-folder.ts'
import { wireTable } from './wire-table.ts'

type Grid = Reply<typeof routes.grid>
type Challenge = Reply<typeof routes.login>
type Proven = Reply<typeof routes.prove>

/** The scheduler does not know the caller, and here is why. */
class NotKnown extends Error {
  readonly code = 'EVERGRID_NOT_KNOWN'
  override readonly name = 'NotKnown'
}

export async function proveByFile(url: string, agent: http.Agent): Promise<Proven> {
  const one = oneConnection(agent)
  try {
    const grid = (await call(one, url, wireTable.grid)) as Grid
    if (grid.proof === 'secret') throw new NotKnown(privateGrid(url))
    // An idle connection may close just between the two calls, and the challenge with it.
    return await prove(url, one).catch(() => prove(url, one))
  } finally {
    one.destroy()
  }
}

const privateGrid = (url: string) =>
  `the grid at ${url} is private: it runs as one ordinary account, and the secret in its data folder ` +
  'is not readable for you. Run this as that account, or set EVERGRID_DATA to its data folder'

/** A challenge counts only on the connection that it was given on. */
function oneConnection(agent: http.Agent): http.Agent {
  const one = new http.Agent({ keepAlive: true, maxSockets: 1 })
  one.createConnection = agent.createConnection.bind(agent)
  const { protocol, defaultPort } = agent as { protocol?: string; defaultPort?: number }
  return Object.assign(one, { protocol, defaultPort })
}

async function prove(url: string, one: http.Agent): Promise<Proven> {
  const user = userInfo().username
  const { challenge, nonce, file } = (await call(one, url, wireTable.login, { user })) as Challenge
  const folder = proofFolderOf(addressOf(url).port)
  await refuseBadPlace(folder, challenge, file)
  const own = dirname(file)
  await mkdir(own, { mode: 0o700 })
  try {
    await writeFile(file, nonce, { mode: 0o600, flag: 'wx' })
    return (await call(one, url, wireTable.prove, { challenge })) as Proven
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

/** The client fixes the place: else a stranger could have it write his proof. */
async function refuseBadPlace(folder: string, challenge: string, file: string): Promise<void> {
  if (!/^[0-9a-f]{32}$/.test(challenge) || file !== proofFileOf(folder, challenge)) {
    throw new NotKnown(`the scheduler asks for a proof at ${file}, which is not under ${folder}`)
  }
  for (const path of [dirname(dirname(folder)), dirname(folder), folder]) {
    const { uid, mode } = await lstat(path)
    const good = path === folder ? (mode & 0o7777) === proofFolderMode : (mode & 0o022) === 0
    if (uid !== 0 || !good || (mode & 0o170000) !== 0o040000) {
      throw new NotKnown(`${path} is not as a proof folder must be (root's, and only root's)`)
    }
  }
}

async function call(
  agent: http.Agent,
  url: string,
  [method, path]: readonly [string, string],
  body?: object,
): Promise<unknown> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers = text === undefined ? {} : { 'content-type': 'application/json' }
  const request = http.request(new URL(path, url), { agent, method, headers })
  request.setTimeout(30_000, () => request.destroy(new Error(`${url} does not answer`)))
  const reply = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject)
    request.end(text)
  })
  const parts: Buffer[] = []
  for await (const part of reply) parts.push(part as Buffer)
  const answer = JSON.parse(Buffer.concat(parts).toString()) as { detail?: string }
  if (reply.statusCode !== 200) throw new NotKnown(answer.detail ?? `status ${reply.statusCode}`)
  return answer
}

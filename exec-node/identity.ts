/** A node's identity: won once with a join token, kept in its data folder, renewed with time. */
import { createHash, randomBytes } from 'node:crypto'
import { rmSync, statSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { nodeIdentityText, parseNodeIdentity } from '../proto/node-identity.ts'
import { readPrivate, takePlace, writePrivate } from '../src/lib/secret-file.ts'
import { words } from './act.ts'

export type Shown = {
  url: string
  agent: http.Agent
  dataDir: string
  node: string
}

/** A secret older than this gets a successor. */
const renewAfterMs = 30 * 86_400_000

const kept = (dataDir: string) => join(dataDir, 'node-identity')
/** Made and not yet known to be taken: asking again with the same one does no harm. */
const draft = (dataDir: string) => join(dataDir, 'node-identity.new')

/** What the node shows; null where it has none of its own. Throws where others could have read it. */
export function nodeIdentity(dataDir: string, node: string): string | null {
  return readIdentity(kept(dataDir), node)
}

function readIdentity(path: string, node: string): string | null {
  const text = readPrivate(path)
  const found = text === null ? null : parseNodeIdentity(text)
  if (found !== null && found.node !== node)
    throw new Error(`${path} is the identity of ${found.node}: this is no data folder of ${node}`)
  return found === null ? null : text
}

function draftedIdentity({ dataDir, node }: Shown): string {
  const present = readIdentity(draft(dataDir), node)
  if (present !== null) return present
  const text = nodeIdentityText(node, randomBytes(32).toString('hex'))
  writePrivate(draft(dataDir), text)
  return text
}

const settle = (dataDir: string): void => takePlace(draft(dataDir), kept(dataDir))

const hashOf = (identity: string) =>
  createHash('sha256')
    .update(parseNodeIdentity(identity)?.secret ?? '')
    .digest('hex')

/** Tries until the scheduler answers; a refusal is thrown in its words. */
export async function joinGrid(shown: Shown, token: string): Promise<string> {
  const identity = draftedIdentity(shown)
  const body = { node: shown.node, token, hash: hashOf(identity) }
  for (let told = false; ; told = true) {
    const reply = await call(shown, '/v1/node/join', body, null).catch((error: Error) => error)
    if (!(reply instanceof Error) && reply.status === 200) {
      settle(shown.dataDir)
      return identity
    }
    if (!(reply instanceof Error) && reply.status < 500) {
      rmSync(draft(shown.dataDir), { force: true })
      throw new Error(reply.detail)
    }
    const why = reply instanceof Error ? reply.message : reply.detail
    if (!told) process.stderr.write(`eg: waiting to join at ${shown.url}: ${why}\n`)
    await delay(1_000)
  }
}

/** The new identity once the scheduler has taken it; null where it is not time yet, or could not be done now: it is tried again. */
export async function renewIdentity(shown: Shown, now: number): Promise<string | null> {
  const { dataDir, node } = shown
  const present = nodeIdentity(dataDir, node)
  if (present === null || now - statSync(kept(dataDir)).mtimeMs < renewAfterMs) return null
  try {
    const identity = draftedIdentity(shown)
    const body = { node, hash: hashOf(identity) }
    const reply = await call(shown, '/v1/node/identity', body, present)
    if (reply.status !== 200) return null
    settle(dataDir)
    return identity
  } catch (error) {
    process.stderr.write(`eg: the identity of ${node} could not be renewed: ${words(error)}\n`)
    return null
  }
}

async function call(
  { url, agent }: Shown,
  path: string,
  body: object,
  bearer: string | null,
): Promise<{ status: number; detail: string }> {
  const headers = {
    'content-type': 'application/json',
    ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
  }
  const request = http.request(new URL(path, url), { agent, method: 'POST', headers })
  request.setTimeout(10_000, () => request.destroy(new Error('no answer in time')))
  const reply = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject)
    request.end(JSON.stringify(body))
  })
  const parts: Buffer[] = []
  for await (const part of reply) parts.push(part as Buffer)
  const said = JSON.parse(Buffer.concat(parts).toString()) as { detail?: string; hint?: string }
  const detail = [said.detail, said.hint].filter((text) => text !== undefined).join('; ')
  return { status: reply.statusCode ?? 0, detail }
}

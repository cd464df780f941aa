/** The exec-node as a process: flags, signals, one line when it is up. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { problemOfNodeName } from '../proto/ids.ts'
import { parseJoinToken } from '../proto/node-identity.ts'
import { networkProblem, provenAgent } from '../src/client/prove-scheduler.ts'
import { findNodeSecret } from '../src/client/secrets.ts'
import { endOnSignal, startProblem } from '../src/lib/daemon.ts'
import { readPrivate, takePlace, writePrivate } from '../src/lib/secret-file.ts'
import { authorityFile, pinAuthority, tellAccounts } from './authority.ts'
import { makeDataFolder } from './data-folder.ts'
import { startExecNode } from './exec-node.ts'
import { joinGrid, nodeIdentity, renewIdentity, type Shown } from './identity.ts'
import { refusalText } from './standing.ts'

const { values } = parseArgs({
  options: {
    scheduler: { type: 'string' },
    name: { type: 'string' },
    data: { type: 'string' },
    slots: { type: 'string' },
    mem: { type: 'string' },
    label: { type: 'string', multiple: true, default: [] },
    join: { type: 'string' },
    'secret-file': { type: 'string' },
    'insecure-network': { type: 'boolean', default: false },
    'refusal-is-silence': { type: 'boolean', default: false },
    'private-tmp': { type: 'boolean', default: false },
  },
})

const { scheduler: url, name, data } = values
if (url === undefined || name === undefined || data === undefined) {
  process.stderr.write('eg: an exec-node needs --scheduler URL, --name NAME and --data DIR\n')
  process.exit(2)
}
const nameProblem = problemOfNodeName(name)
if (nameProblem !== null) {
  process.stderr.write(`eg: --name: ${nameProblem}\n`)
  process.exit(2)
}
if (!URL.canParse(url)) {
  process.stderr.write(
    `eg: --scheduler: "${url}" is no URL; write for example http://127.0.0.1:6444\n`,
  )
  process.exit(2)
}
const unproven = networkProblem(url, values['insecure-network'])
if (unproven !== null) {
  process.stderr.write(`eg: --scheduler: ${unproven}\n`)
  process.exit(2)
}

/** Kept beside the node's own records, so that it starts also while no scheduler can be found. */
function knownSecret(url: string, dataDir: string, file: string | undefined): string | null {
  const secret = findNodeSecret({ url, dataDir, file })
  if (secret === null) return null
  keepCopy(join(dataDir, 'node-secret'), secret)
  return secret
}

function keepCopy(path: string, secret: string): void {
  try {
    if (readPrivate(path) === secret) return
    writePrivate(`${path}.new`, secret)
    takePlace(`${path}.new`, path)
  } catch (error) {
    // A full disk keeps no agent from starting.
    process.stderr.write(`eg: ${path} could not be kept: ${startProblem(error)}\n`)
  }
}

async function nodeSecret(url: string, dataDir: string, file: string | undefined): Promise<string> {
  for (let told = false; ; told = true) {
    const secret = knownSecret(url, dataDir, file)
    if (secret !== null) return secret
    if (file !== undefined) throw new Error(`${file} holds no secret of a grid's nodes`)
    if (!told)
      process.stderr.write(
        `eg: waiting for the scheduler at ${url}: no secret of its nodes is found yet (or give --secret-file)\n`,
      )
    await setTimeout(1_000)
  }
}

/** Its own identity where it has one or joins, else the secret of the scheduler's data folder. */
async function bearerOf(shown: Shown): Promise<string> {
  const { url, dataDir, node } = shown
  makeDataFolder(dataDir)
  const own = nodeIdentity(dataDir, node)
  if (own !== null) return own
  if (values.join === undefined) return nodeSecret(url, dataDir, values['secret-file'])
  const token = readFileSync(values.join, 'utf8').trim()
  const parsed = parseJoinToken(token)
  if (parsed === null) throw new Error(`${values.join} holds no join token`)
  await pinAuthority(shown, parsed.authority)
  return joinGrid(shown, token)
}

/** A value may hold a `=` itself. */
const keyAndValue = (text: string): [string, string] => {
  const at = text.indexOf('=')
  return [text.slice(0, at), text.slice(at + 1)]
}

const count = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text)

/** `EVERGRID_HEALTH_EVERY`: seconds between two readings of the health probes. */
const seconds = (text: string | undefined): number | undefined =>
  text !== undefined && Number(text) > 0 ? Number(text) * 1000 : undefined

try {
  const dataDir = resolve(data)
  const agent = provenAgent(url, {
    insecureNetwork: values['insecure-network'],
    authorityFile: authorityFile(dataDir),
  })
  const shown: Shown = { url, agent, dataDir, node: name }
  let bearer = await bearerOf(shown)
  tellAccounts(shown)
  const findSecret = () => {
    bearer =
      nodeIdentity(dataDir, name) ?? knownSecret(url, dataDir, values['secret-file']) ?? bearer
    return bearer
  }
  const node = await startExecNode({
    url,
    name,
    dataDir,
    secret: () => bearer,
    findSecret,
    slots: count(values.slots),
    memBytes: count(values.mem),
    labels: Object.fromEntries(values.label.map(keyAndValue)),
    httpAgent: agent,
    healthEveryMs: seconds(process.env['EVERGRID_HEALTH_EVERY']),
    refusalRenews: !values['refusal-is-silence'],
    privateTmp: values['private-tmp'],
    tell: (sentence) => process.stderr.write(`eg: ${sentence}\n`),
  })
  const renew = async () => {
    bearer = (await renewIdentity(shown, Date.now())) ?? bearer
  }
  await renew()
  const renewing = setInterval(() => void renew(), 86_400_000)
  endOnSignal(async () => {
    clearInterval(renewing)
    agent.destroy()
    await node.stop()
  })
  const refusal = await node.taken
  if (refusal !== null) {
    await node.stop()
    throw new Error(`the scheduler at ${url} refuses it: ${refusalText(refusal)}`)
  }
  process.stdout.write(`ready ${name}\n`)
} catch (error) {
  process.stderr.write(`eg: exec-node ${name} could not start: ${startProblem(error)}\n`)
  process.exit(1)
}

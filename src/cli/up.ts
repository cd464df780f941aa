/** `eg up`: a whole grid on this machine, in the foreground, until it is told to end. */
import { accessSync, constants } from 'node:fs'
import { createServer, isIP } from 'node:net'
import { availableParallelism, totalmem } from 'node:os'
import { resolve } from 'node:path'

import { openClient, type Client } from '../client/client.ts'
import { dataFolderDefault } from '../lib/endpoint.ts'
import { folderProblem, makeFolders } from '../lib/folder.ts'
import { CommandError, defineCommand } from './command.ts'
import { startGrid, type Grid } from './daemons/grid.ts'
import { endProcess, leftOverDaemons } from './daemons/left-over.ts'
import { listenOptions } from './daemons/listen-options.ts'
import { loginFlags, loginOptions } from './daemons/login-options.ts'
import { nodeOptions } from './daemons/node-options.ts'
import { claim, release } from './daemons/up-file.ts'
import type { Terminal } from './terminal.ts'
import { path, size, whole } from './values.ts'
import { counted } from './words.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {
    data: { value: 'DIR', help: 'data folder (default: $EVERGRID_DATA, else as "eg help" says)' },
    port: { value: 'N', help: 'port (default 6444; 0: a free one)' },
    ...listenOptions,
    ...loginOptions,
    slots: { value: 'N', help: 'slots of each node (default: processors of the machine)' },
    nodes: { value: 'N', help: 'exec-nodes on this machine, named node1… (default 1)' },
    mem: { value: 'SIZE', help: 'memory of each node (default: that of the machine, shared)' },
    'allow-root-jobs': { help: 'also run jobs of root and of system accounts' },
    ...nodeOptions,
  },
  operands: [0, 0],
  notes: `Prints "ready URL" when it takes jobs. Ctrl-C ends the daemons; jobs keep running, and the next "eg up" takes them
over. A closing terminal ends nothing. Logs: scheduler/scheduler.log and nodeN/exec-node.log in the data folder.`,
  async run({ values, terminal }) {
    const folder = resolve(path('data', values.data) ?? dataFolderDefault())
    const nodes = whole('nodes', values.nodes, [1, 1000]) ?? 1
    const slots = whole('slots', values.slots) ?? availableParallelism()
    const memBytes = size('mem', values.mem) ?? Math.floor(totalmem() / nodes)
    const port = (whole('port', values.port, [0, 65_535]) ?? 6444) || (await freePort())
    const listen = { host: values.host, tls: values.tls, tlsNames: values['tls-name'] }
    const insecureNetwork = values['insecure-network']
    const url = urlOf(listen.host, port, listen.tls)
    const client = openClient({ url, insecureNetwork, patienceMs: 30_000 })
    makeDataFolder(folder)
    const holder = claim(folder, client.url)
    if (holder !== null) {
      throw new CommandError(
        `a grid already runs from ${folder}: process ${holder.pid}, ${holder.url}`,
        { hint: 'use it, end it with "eg down", or take another folder with --data' },
      )
    }
    try {
      for (const daemon of leftOverDaemons(folder)) await endProcess(daemon)
      const allowRootJobs = values['allow-root-jobs']
      const room = { nodes, slots, memBytes, privateTmp: values['private-tmp'] }
      const rules = { allowRootJobs, insecureNetwork, logins: loginFlags(values) }
      const plan = { folder, port, listen, ...room, ...rules }
      return await watchOver(startGrid(plan, client, terminal.say), { client, folder, terminal })
    } finally {
      release(folder)
      client.close()
    }
  },
})

function makeDataFolder(folder: string): void {
  try {
    makeFolders(folder, 0o700)
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new CommandError(`the data folder ${folder} cannot be used: ${folderProblem(error)}`, {
      hint: 'name another with --data or in EVERGRID_DATA',
    })
  }
}

/** As its own nodes call it. */
function urlOf(host: string | undefined, port: number, tls: boolean): string {
  const everywhere = host === undefined || host === '0.0.0.0' || host === '::'
  const name = everywhere ? '127.0.0.1' : isIP(host) === 6 ? `[${host}]` : host
  return `${tls ? 'https' : 'http'}://${name}:${port}`
}

type Around = { client: Client; folder: string; terminal: Terminal }

async function watchOver(grid: Grid, { client, folder, terminal }: Around): Promise<number> {
  const asked = untilAsked(grid)
  const failed = grid.up.then(
    () => null,
    (error: unknown) => ({ error }),
  )
  const first = await Promise.race([failed, asked.then(() => 'asked' as const)])
  if (first === null) {
    terminal.out(`ready ${client.url}\n`)
    await asked
  }
  const left = first === null ? await runningTasks(client) : null
  await grid.stop()
  asked.end()
  if (first !== null && first !== 'asked') throw first.error
  if (left !== null) terminal.say(farewell(left, folder))
  return 0
}

function farewell(left: number, folder: string): string {
  const option = folder === resolve(dataFolderDefault()) ? '' : ` --data ${folder}`
  if (left === 0) return 'the grid is down; nothing runs any more'
  return (
    `the grid is down; ${counted(left, 'task')} ${left === 1 ? 'keeps' : 'keep'} running. ` +
    `"eg up${option}" takes over again; to end all, then say "eg down --stop-jobs${option}"`
  )
}

/** Of everybody, on all nodes; null where the scheduler does not say. */
async function runningTasks(client: Client): Promise<number | null> {
  try {
    const { nodes } = await client.call('listNodes', {}, { patienceMs: 1_000 })
    return nodes.reduce((sum, { tasks, unknownRuns }) => sum + tasks + unknownRuns.length, 0)
  } catch {
    return null
  }
}

/** Resolves at Ctrl-C or SIGTERM; a second one hurries. SIGHUP is a terminal that closes: the grid stays. */
function untilAsked(grid: Grid): Promise<void> & { end(): void } {
  const undo: (() => void)[] = []
  const on = (signal: NodeJS.Signals, call: () => void) => {
    process.on(signal, call)
    undo.push(() => process.off(signal, call))
  }
  on('SIGHUP', () => {})
  let isAsked = false
  const asked = new Promise<void>((done) => {
    const ask = () => {
      if (isAsked) grid.killNow()
      isAsked = true
      done()
    }
    on('SIGINT', ask)
    on('SIGTERM', ask)
  })
  return Object.assign(asked, { end: () => undo.forEach((call) => call()) })
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer().once('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

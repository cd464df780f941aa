/** A grid of which one node is a machine of its own, `there`, with a bot on it; another is of this machine, cordoned. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { openClient, type Client } from '../../../src/client/index.ts'
import { until } from '../../support/wait.ts'
import { Daemon } from '../daemon.ts'
import { bot, watchBeats, type Watch } from './beats.ts'
import { bootMs, daemon, Machine } from './machine.ts'
import type { Power } from './power.ts'

/** By the port of their scheduler. Their data folders have their names. */
export const hereNodes = { 6501: 'here-1', 6502: 'here-2' } as const

export type NodeGrid = {
  client: Client
  /** Name of the node of this machine. */
  here: string
  scheduler: Daemon
  /** Of the scheduler's next start: `EVERGRID_LEASE`. */
  settings: { lease: string }
  there: Machine
  /** What runs on `there`, for a clone of it. */
  nodeCommand: string[]
  watch: Watch
  /** Ends all, and tells of every bot that ran twice. */
  close(): Promise<void>
}

export async function openNodeGrid(
  power: Power,
  { port, lease }: { port: keyof typeof hereNodes; lease: string },
): Promise<NodeGrid> {
  const { folder } = power
  const data = join(folder, `scheduler-${port}`)
  const settings = { lease }
  const start = (name: string, command: () => string[]): Daemon => {
    const one = new Daemon({
      name,
      logFile: join(folder, 'log', `${name}-${port}.log`),
      command,
      env: {},
    })
    one.start()
    return one
  }
  const scheduler = start('scheduler', () => {
    const flags = ['--data', data, '--port', String(port), '--allow-root-jobs']
    return ['env', `EVERGRID_LEASE=${settings.lease}`, ...daemon('scheduler', ...flags)]
  })
  await until(() => existsSync(join(data, 'scheduler.pid')), { what: 'the secret of the nodes' })
  const room = ['--slots', '4', '--mem', String(2 ** 29)]
  const url = `http://127.0.0.1:${port}`
  const here = hereNodes[port]
  const hereFlags = ['--name', here, '--data', join(folder, here), ...room]
  const hereDaemon = start(here, () => daemon('exec-node', '--scheduler', url, ...hereFlags))
  const name = `there${port}`
  const nodeCommand = daemon(
    'exec-node',
    ...['--scheduler', `http://10.0.2.2:${port}`, '--insecure-network', '--name', 'there', ...room],
    ...['--data', join(folder, `${name}-disk`, 'node')],
    ...['--secret-file', join(folder, `${name}-share`, 'node-secret')],
  )
  const there = new Machine({ folder, name, command: nodeCommand })
  there.format(() => {})
  const secret = readFileSync(join(data, 'node-secret'))
  writeFileSync(join(there.share, 'node-secret'), secret, { mode: 0o600 })
  const client = openClient({ url })
  const watch = watchBeats(there.share)
  const close = async () => {
    watch.close()
    client.close()
    if (there.isOn) await there.losePower()
    await hereDaemon.stop()
    await scheduler.stop()
    for (const double of watch.overlaps()) power.double(double)
  }
  try {
    there.start()
    await nodeUp(client, here)
    await nodeUp(client, 'there')
    await client.call('cordonNode', { params: { node: here }, body: { reason: 'for now' } })
    const command = bot(there.share)
    const body = { name: 'bot', kind: 'continuous' as const, command, cwd: '/', memBytes: 2 ** 25 }
    await client.call('submitJob', { body })
    await watch.beats(0, 'the bot on the machine')
  } catch (error) {
    await close()
    throw error
  }
  return { client, here, scheduler, settings, there, nodeCommand, watch, close }
}

export const nodeUp = (client: Client, name: string) =>
  until(
    async () =>
      (await client.call('listNodes', {}, { patienceMs: 60_000 })).nodes.some(
        (one) => one.name === name && one.state === 'up',
      ),
    { timeoutMs: bootMs, everyMs: 500, what: `${name} up` },
  )

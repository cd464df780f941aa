/**
 * A node's machine is cloned while a bot runs on it, and both are on: same disk, same machine-id, same name, same
 * records of what runs there. Then the first one loses power, and comes back beside its clone.
 */
import { setTimeout as delay } from 'node:timers/promises'

import { until } from '../../support/wait.ts'
import { bootMs, Machine } from './machine.ts'
import { nodeUp, openNodeGrid, type NodeGrid } from './node-grid.ts'
import type { Power } from './power.ts'

const port = 6502
const lease = { text: '15,40,50,60', endMs: 60_000 }
/** Between two beats, with emulated processors. */
const beatMs = 10_000

export async function tormentClonedMachine(power: Power): Promise<void> {
  const grid = await openNodeGrid(power, { port, lease: lease.text })
  const { folder } = power
  const clone = new Machine({
    folder,
    name: 'clone',
    command: grid.nodeCommand,
    cloneOf: grid.there,
  })
  try {
    await bothOn(power, grid, clone)
    await firstOff(power, grid, clone)
    await firstBack(power, grid)
  } finally {
    if (clone.isOn) await clone.losePower()
    await grid.close()
  }
}

/** The first keeps its name and its bot; the clone is told why it is refused, and starts nothing. */
async function bothOn(
  power: Power,
  { there, watch, client }: NodeGrid,
  clone: Machine,
): Promise<void> {
  const { copy } = watch.present()
  await there.tell('sync')
  clone.copyDisk()
  clone.start()
  power.injected('a clone of a node’s machine switched on beside it')
  const isTold = () => clone.isOn && /refuse|two machines|another boot/.test(saidBy(clone))
  await until(isTold, { timeoutMs: bootMs, everyMs: 500, what: 'the refusal of the clone' })
  await delay(lease.endMs)
  const now = watch.present()
  if (now.copy !== copy || now.silentMs > beatMs)
    power.broken(
      `beside a clone the bot is ${now.copy}, silent for ${now.silentMs} ms; it was ${copy}`,
    )
  const { nodes } = await client.call('listNodes')
  const node = nodes.find(({ name }) => name === 'there')
  power.tell(
    `a clone beside its node: ${copy} beats on; the node is ${node?.state}, ${node?.reason}`,
  )
  power.tell(`the clone says: ${saidBy(clone).trim().split('\n').at(-1)?.slice(0, 300)}`)
}

/** When the first one's lease is over the bot runs once, wherever that is. */
async function firstOff(power: Power, grid: NodeGrid, clone: Machine): Promise<void> {
  const { client, here, there, watch } = grid
  await client.call('uncordonNode', { params: { node: here } })
  const before = watch.newest()
  await there.losePower()
  power.injected('power loss of a node that has a clone')
  const gapMs = await watch.beats(before, 'the bot after the loss of the first machine')
  power.gap('power loss of a node that has a clone', gapMs)
  const { copy } = watch.present()
  power.tell(
    `the first loses power: the bot is ${copy} after ${Math.round(gapMs / 1000)} s; clone on: ${clone.isOn}`,
  )
  if (gapMs < lease.endMs - 10_000)
    power.broken(`the bot ran again after ${gapMs} ms, and the lease lasts ${lease.endMs} ms`)
}

/** The bot stays the one copy that it is. */
async function firstBack(power: Power, { client, here, there, watch }: NodeGrid): Promise<void> {
  const { copy } = watch.present()
  there.start()
  power.injected('the first machine back beside its clone')
  await until(() => there.isOn && /ready|refuse|two machines|another boot/.test(saidBy(there)), {
    timeoutMs: bootMs,
    everyMs: 500,
    what: 'news of the first machine',
  })
  await delay(lease.endMs)
  const now = watch.present()
  if (now.silentMs > beatMs)
    power.broken(`with both machines on, the bot (${now.copy}) is silent for ${now.silentMs} ms`)
  power.tell(`the first is back: the bot was ${copy} and is ${now.copy}`)
  await nodeUp(client, here)
  await client.call('stopJobs', { body: { jobs: ['bot'] } })
  await until(async () => (await client.call('listJobs')).jobs.length === 0, {
    timeoutMs: bootMs,
    everyMs: 500,
    what: 'the end of the bot',
  })
}

function saidBy(machine: Machine): string {
  try {
    return machine.said
  } catch {
    return ''
  }
}

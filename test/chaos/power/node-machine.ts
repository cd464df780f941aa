/** A node's machine loses power with a bot on it: it runs again elsewhere when the lease is over, or when the machine is back. */
import { until } from '../../support/wait.ts'
import { bootMs } from './machine.ts'
import { nodeUp, openNodeGrid, type NodeGrid } from './node-grid.ts'
import type { Power } from './power.ts'

const port = 6501
/** Long against a stall of emulated processors, and against its boot for the second part. */
const shortLease = { text: '15,40,50,60', endMs: 60_000 }
const longLease = '15,1500,1700,1800'

export async function tormentNodeMachine(power: Power): Promise<void> {
  const grid = await openNodeGrid(power, { port, lease: shortLease.text })
  const { client, here } = grid
  try {
    power.tell('a node in a machine of its own is up')
    const kept = { name: 'kept', command: ['sleep', '100000'], cwd: '/', memBytes: 2 ** 25 }
    const { job } = await client.call('submitJob', { body: kept })
    const stateOf = async () =>
      (await client.call('showJob', { params: { job: String(job) } })).state
    await until(async () => (await stateOf()) === 'running', {
      timeoutMs: bootMs,
      everyMs: 500,
      what: 'the other job',
    })
    await client.call('uncordonNode', { params: { node: here } })
    await elsewhere(power, grid)
    await backAgain(power, grid, job)
  } finally {
    await grid.close()
  }
}

async function elsewhere(power: Power, { client, there, watch }: NodeGrid): Promise<void> {
  const before = watch.newest()
  await there.losePower()
  power.injected('power loss of a node')
  const gapMs = await watch.beats(before, 'the bot elsewhere')
  power.tell(`power loss of a node: its bot runs elsewhere after ${Math.round(gapMs / 1000)} s`)
  power.gap('power loss of a node', gapMs)
  // Its last report may have been sent a moment before.
  if (gapMs < shortLease.endMs - 10_000)
    power.broken(
      `the bot ran elsewhere after ${gapMs} ms, and the lease lasts ${shortLease.endMs} ms`,
    )
  await until(
    async () => (await client.call('listNodes')).nodes.some(({ state }) => state === 'lost'),
    {
      timeoutMs: bootMs,
      everyMs: 500,
      what: 'the loss of the node',
    },
  )
}

/** With a lease far longer than a boot: only the new boot can tell that nothing runs there any more. */
async function backAgain(power: Power, grid: NodeGrid, job: number): Promise<void> {
  const { client, here, there, watch, scheduler, settings } = grid
  settings.lease = longLease
  await scheduler.stop()
  scheduler.start()
  there.start()
  await nodeUp(client, 'there')
  await until(
    async () =>
      (await client.call('showJob', { params: { job: String(job) } })).state !== 'unreachable',
    {
      timeoutMs: bootMs,
      everyMs: 500,
      what: 'news of the job that was kept',
    },
  )
  const kept = await client.call('showJob', { params: { job: String(job) } })
  if (kept.cause?.kind !== 'node-lost')
    power.broken(
      `the kept job is ${kept.state} by ${JSON.stringify(kept.cause)} after the boot of its machine`,
    )
  await client.call('cordonNode', { params: { node: here }, body: { reason: 'its turn' } })
  const before = watch.newest()
  await client.call('restartJobs', { body: { jobs: ['bot'] } })
  await client.call('drainNode', { params: { node: here }, body: {} })
  await watch.beats(before, 'the bot on the machine again')
  await until(
    async () => (await client.call('listJobs')).jobs.every(({ node }) => node === 'there'),
    {
      timeoutMs: bootMs,
      everyMs: 500,
      what: 'the drain',
    },
  )
  const second = watch.newest()
  await there.losePower()
  power.injected('power loss of a node, back at once')
  there.start()
  const gapMs = await watch.beats(second, 'the bot after the boot')
  power.tell(
    `power loss of a node that is back at once: its bot runs again after ${Math.round(gapMs / 1000)} s`,
  )
  power.gap('power loss of a node, back at once', gapMs)
}

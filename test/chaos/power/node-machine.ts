/** A node's machine loses power with a bot on it: it runs again elsewhere when the lease is over, or when the machine is back. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { openClient, type Client } from '../../../src/client/index.ts'
import { until } from '../../support/wait.ts'
import { Daemon } from '../daemon.ts'
import { bootMs, daemon, Machine } from './machine.ts'
import type { Power } from './power.ts'

const port = 6501
/** Long against a stall of emulated processors, and against its boot for the second part. */
const shortLease = { text: '15,40,50,60', endMs: 60_000 }
const longLease = { text: '15,1500,1700,1800', endMs: 1_800_000 }

/** A lock would not reach from one machine to the other: each copy has a file of its own, and its beats must not overlap. */
const bot = (share: string) => [
  'sh',
  '-c',
  `while :; do date +%s > ${share}/beat.$EVERGRID_RUN.new; mv ${share}/beat.$EVERGRID_RUN.new ${share}/beat.$EVERGRID_RUN; sleep 0.5; done`,
]

export async function tormentNodeMachine(power: Power): Promise<void> {
  const { folder } = power
  const data = join(folder, 'scheduler-2')
  const url = `http://127.0.0.1:${port}`
  const known = { lease: shortLease }
  const log = (name: string) => join(folder, 'log', `${name}.log`)
  const schedulerCommand = () => {
    const flags = daemon('scheduler', '--data', data, '--port', String(port), '--allow-root-jobs')
    return ['env', `EVERGRID_LEASE=${known.lease.text}`, ...flags]
  }
  const scheduler = new Daemon({
    name: 'scheduler',
    logFile: log('scheduler'),
    command: schedulerCommand,
    env: {},
  })
  scheduler.start()
  await until(() => existsSync(join(data, 'scheduler.pid')), { what: 'the secret of the nodes' })
  const room = ['--slots', '4', '--mem', String(2 ** 29)]
  const hereCommand = daemon(
    'exec-node',
    '--scheduler',
    url,
    '--name',
    'here',
    '--data',
    join(folder, 'here'),
    ...room,
  )
  const here = new Daemon({
    name: 'here',
    logFile: log('here'),
    command: () => hereCommand,
    env: {},
  })
  here.start()
  const there = new Machine({
    folder,
    name: 'there',
    command: daemon(
      ...([
        'exec-node',
        '--scheduler',
        `http://10.0.2.2:${port}`,
        '--insecure-network',
        '--name',
        'there',
      ] as const),
      ...[
        '--data',
        join(folder, 'there-disk', 'node'),
        '--secret-file',
        join(folder, 'there-share', 'node-secret'),
        ...room,
      ],
    ),
  })
  there.format(() => {})
  writeFileSync(join(there.share, 'node-secret'), readFileSync(join(data, 'node-secret')), {
    mode: 0o600,
  })
  const client = openClient({ url })
  const watch = watchBeats(there.share)
  try {
    there.start()
    await nodeUp(client, 'here')
    await nodeUp(client, 'there')
    power.tell('a node in a machine of its own is up')
    await client.call('cordonNode', { params: { node: 'here' }, body: { reason: 'for now' } })
    const body = {
      name: 'bot',
      kind: 'continuous' as const,
      command: bot(there.share),
      cwd: '/',
      memBytes: 2 ** 25,
    }
    await client.call('submitJob', { body })
    const kept = { name: 'kept', command: ['sleep', '100000'], cwd: '/', memBytes: 2 ** 25 }
    const { job } = await client.call('submitJob', { body: kept })
    await watch.beats(0, 'the bot on the machine')
    await until(
      async () =>
        (await client.call('showJob', { params: { job: String(job) } })).state === 'running',
      {
        timeoutMs: bootMs,
        everyMs: 500,
        what: 'the other job',
      },
    )
    await client.call('uncordonNode', { params: { node: 'here' } })
    await elsewhere(power, client, there, watch)
    await backAgain(power, { client, there, watch, job, scheduler, known })
  } finally {
    watch.close()
    client.close()
    if (there.isOn) await there.losePower()
    await here.stop()
    await scheduler.stop()
  }
  for (const double of watch.overlaps()) power.double(double)
}

async function elsewhere(
  power: Power,
  client: Client,
  there: Machine,
  watch: Watch,
): Promise<void> {
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

type Again = {
  client: Client
  there: Machine
  watch: Watch
  job: number
  scheduler: Daemon
  known: { lease: typeof shortLease }
}

/** With a lease far longer than a boot: only the new boot can tell that nothing runs there any more. */
async function backAgain(
  power: Power,
  { client, there, watch, job, scheduler, known }: Again,
): Promise<void> {
  known.lease = longLease
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
  await client.call('cordonNode', { params: { node: 'here' }, body: { reason: 'its turn' } })
  const before = watch.newest()
  await client.call('restartJobs', { body: { jobs: ['bot'] } })
  await client.call('drainNode', { params: { node: 'here' }, body: {} })
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

const nodeUp = (client: Client, name: string) =>
  until(
    async () =>
      (await client.call('listNodes', {}, { patienceMs: 60_000 })).nodes.some(
        (one) => one.name === name && one.state === 'up',
      ),
    { timeoutMs: bootMs, everyMs: 500, what: `${name} up` },
  )

/** Beats as they are seen from here: by one clock, that of this process. */
function watchBeats(share: string) {
  type Copy = { run: string; text: string; first: number; last: number }
  const copies = new Map<string, Copy>()
  const look = () => {
    for (const name of readdirSync(share)) {
      if (!/^beat\.[\d.]+$/.test(name)) continue
      const text = read(join(share, name))
      const known = copies.get(name)
      const now = performance.now()
      if (known === undefined) copies.set(name, { run: name.slice(5), text, first: now, last: now })
      else if (text !== known.text && text !== '') Object.assign(known, { text, last: now })
    }
  }
  const timer = setInterval(look, 100)
  const inOrder = () => [...copies.values()].sort((a, b) => a.first - b.first)
  const lastBefore = (time: number) =>
    Math.max(
      0,
      ...inOrder()
        .filter(({ first }) => first < time)
        .map(({ last }) => last),
    )
  return {
    newest: () => inOrder().at(-1)?.first ?? 0,
    /** Waits for a copy that began after `first`; how long nothing had run before. */
    async beats(first: number, what: string): Promise<number> {
      const next = await until(() => inOrder().find((copy) => copy.first > first), {
        timeoutMs: bootMs,
        what,
      })
      return next.first - lastBefore(next.first)
    },
    overlaps: () =>
      inOrder().flatMap((copy, at, all) => {
        const before = all[at - 1]
        return before && before.last > copy.first + 100
          ? [
              `run ${copy.run} of the bot began ${Math.round(before.last - copy.first)} ms before run ${before.run} was over`,
            ]
          : []
      }),
    close: () => clearInterval(timer),
  }
}
type Watch = ReturnType<typeof watchBeats>

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

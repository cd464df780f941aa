/** The scheduler's machine loses power in the middle of changes; later its clock is set forth and back. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { openClient, type Client } from '../../../src/client/index.ts'
import type { Random } from '../../sim/random.ts'
import { until } from '../../support/wait.ts'
import { bootMs, daemon, Machine } from './machine.ts'
import type { Power } from './power.ts'

const port = 6500
const submitters = 4
const minuteMs = 60_000

export async function tormentSchedulerMachine(power: Power): Promise<void> {
  const { folder, random } = power
  const disk = join(folder, 'queue-disk')
  const data = join(disk, 'scheduler')
  const flags = ['--data', data, '--host', '0.0.0.0', '--port', String(port)]
  const command = daemon('scheduler', ...flags, '--insecure-network', '--allow-root-jobs')
  const machine = new Machine({ folder, name: 'queue', port, command })
  // Known on both sides, for the guest's files cannot be read from here.
  const secret = randomBytes(32).toString('hex')
  const putSecret = (path: string) => {
    mkdirSync(path, { mode: 0o700, recursive: true })
    writeFileSync(join(path, 'secret'), `${secret}\n`, { mode: 0o600 })
  }
  machine.format((path) => putSecret(join(path, 'scheduler')))
  putSecret(join(folder, 'scheduler'))
  const client = openClient({ url: `http://127.0.0.1:${port}` })
  const said: Said = { acknowledged: new Map(), stopped: new Set() }
  for (let round = 1; round <= power.rounds; round += 1) {
    await switchOn(power, machine)
    await checkQueue(power, client, said)
    const now = await tormentOnce(power, machine, client, said)
    power.tell(`power loss of the scheduler’s machine: ${now} changes acknowledged in this boot`)
    power.injected('power loss of the scheduler’s machine')
  }
  await switchOn(power, machine)
  await checkQueue(power, client, said)
  power.acknowledged(said.acknowledged.size)
  await stepClock(power, machine, client, random)
  await machine.tell(`cd ${disk}; echo kept > synced; sync synced; echo gone > unsynced`)
  await machine.losePower()
  client.close()
  const left = machine.filesOn(['synced', 'unsynced'])
  power.tell(
    `after the last power loss: synced file ${left[0] ?? 'gone'}, unsynced file ${left[1] ?? 'gone'}`,
  )
  // Otherwise these were no power losses, and nothing was shown.
  if (left[0] !== 'kept' || left[1] === 'gone')
    power.broken(`a power loss that loses nothing: ${left.join(', ')}`)
}

type Said = { acknowledged: Map<number, string>; stopped: Set<number> }

async function switchOn(power: Power, machine: Machine): Promise<void> {
  const from = performance.now()
  machine.start()
  const ready = () =>
    fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(5_000) }).then(
      ({ ok }) => ok,
      () => false,
    )
  await until(ready, { timeoutMs: bootMs, everyMs: 500, what: `the scheduler in its machine` })
  power.tell(
    `the scheduler’s machine is up after ${Math.round((performance.now() - from) / 1000)} s`,
  )
}

/** Submits and stops without a pause until the power goes; number of changes acknowledged. */
async function tormentOnce(
  { random }: Power,
  machine: Machine,
  client: Client,
  { acknowledged, stopped }: Said,
): Promise<number> {
  let changes = 0
  const power = { isOn: true }
  const submit = async (nth: number) => {
    for (let count = 0; power.isOn; count += 1) {
      const name = `p-${changes}-${nth}-${count}-${Math.floor(random.next() * 1e9)}`
      const options = { patienceMs: 0 }
      const body = { name, command: ['true'], cwd: '/' }
      try {
        const { job } = await client.call('submitJob', { body }, options)
        acknowledged.set(job, name)
        changes += 1
        if (count % 3 !== 2) continue
        await client.call('stopJobs', { body: { jobs: [String(job)] } }, options)
        stopped.add(job)
        changes += 1
      } catch {
        await delay(50)
      }
    }
  }
  const all = Array.from({ length: submitters }, (_, nth) => submit(nth))
  await until(() => changes >= 20, { timeoutMs: bootMs, everyMs: 50, what: 'changes' })
  await delay(random.between(0, 8_000))
  await machine.losePower()
  power.isOn = false
  await Promise.all(all)
  return changes
}

async function checkQueue(power: Power, client: Client, said: Said): Promise<void> {
  const found = new Map<number, { name: string; state: string }>()
  for (const finished of [false, true]) {
    const query = { all: true, finished, limit: 100_000 }
    const { jobs } = await client.call('listJobs', { query }, { patienceMs: minuteMs })
    for (const job of jobs) found.set(job.id, job)
  }
  for (const [job, name] of said.acknowledged) {
    const known = found.get(job)
    if (known?.name !== name)
      power.lost(`job ${job} (${name}) was acknowledged before the power went, and is gone`)
    else if (said.stopped.has(job) && known.state !== 'finished')
      power.lost(
        `the stop of job ${job} was acknowledged before the power went, and it is ${known.state}`,
      )
  }
}

/** Each step holds the schedules until somebody confirms it; no due time fires twice, and no step makes a storm. */
async function stepClock(
  power: Power,
  machine: Machine,
  client: Client,
  random: Random,
): Promise<void> {
  const job = { command: ['true'], cwd: '/' }
  const body = { name: 'minutely', expression: '* * * * *', overlap: 'allow' as const, job }
  await client.call('addSchedule', { body }, { patienceMs: minuteMs })
  await waitFor(client, 1)
  const steps = random.chance(0.5)
    ? ['+1 hour', '-3 hours', '+2 hours']
    : ['-2 hours', '+3 hours', '-1 hour']
  for (const step of steps) {
    const now = (await machine.tell(`date -s "${step}" > /dev/null; date -u +%FT%TZ`)).trim()
    power.tell(`the clock of the scheduler’s machine: ${step}, now ${now}`)
    power.injected('clock step on the scheduler’s machine')
    const held = async () => (await client.call('showClock', {}, { patienceMs: minuteMs })).held
    await until(held, { timeoutMs: bootMs, everyMs: 500, what: 'schedules held after the step' })
    const before = await firings(client)
    await client.call('confirmClock', {}, { patienceMs: minuteMs })
    await waitFor(client, before + 1)
  }
  const { ledger } = await client.call('showSchedule', {
    params: { schedule: 'minutely' },
    query: { limit: 1000 },
  })
  const ran = ledger.filter(({ outcome }) => outcome === 'ran').map(({ dueAt }) => dueAt)
  if (new Set(ran).size !== ran.length) power.broken(`a due time has fired twice: ${ran.join(' ')}`)
  if (ran.length > 40) power.broken(`${ran.length} firings of a minutely schedule in some minutes`)
}

const firings = async (client: Client): Promise<number> => {
  const input = { params: { schedule: 'minutely' }, query: { limit: 1000 } }
  const { ledger } = await client.call('showSchedule', input, { patienceMs: minuteMs })
  return ledger.filter(({ outcome }) => outcome === 'ran').length
}

const waitFor = (client: Client, count: number) =>
  until(async () => (await firings(client)) >= count, {
    timeoutMs: bootMs,
    everyMs: 1_000,
    what: `firing number ${count}`,
  })

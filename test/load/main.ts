/**
 * `npm run load`: 500 clients that submit without a pause, on a scheduler that takes far fewer at a time, while 50
 * simulated nodes report. Some are told to come again; exec-nodes never, they keep their pace and none falls silent;
 * and after a kill -9 and a new start each job that was acknowledged is there, once. Then 50,000 schedules due at once.
 */
import assert from 'node:assert/strict'

import {
  nextLine,
  program,
  startScheduler,
  temporaryFolder,
  type Scheduler,
} from '../bench/daemons.ts'
import { ms, percentile, whole } from '../bench/row.ts'
import type { SimulatedInput } from '../bench/simulated-nodes.ts'
import { request } from '../bench/submits.ts'
import type { LoadInput, LoadOutput } from './clients.ts'
import { dueAtOnce } from './due-at-once.ts'

const clients = 500
const forMs = 10_000
const nodes = 50

// One account makes all the load: how often it asks is not the question here.
process.env['EVERGRID_QUOTA'] = 'requests=none'
process.env['EVERGRID_REQUEST_QUEUE'] = '200'

const folder = temporaryFolder()
let scheduler = await startScheduler(folder.path)
const shape = { nodes, slots: 1, reportMs: 250 }
const fleet = program<{ reports: number[] }>('simulated-nodes', {
  url: scheduler.url,
  bearer: scheduler.nodeSecret,
  ...shape,
} satisfies SimulatedInput)
try {
  await nextLine(fleet.lines)
  const { jobs, refused, tookMs, wrong } = await load(scheduler)
  const states = await nodeStates(scheduler)
  const ended = nextLine(fleet.lines)
  await fleet.process.stop('SIGTERM')
  const { reports } = await ended
  console.log(`${whole(jobs.length)} jobs taken, ${whole(refused)} requests told to come again`)
  const line = (what: string, took: readonly number[]) =>
    console.log(`${what}: p50 ${ms(percentile(took, 0.5))}, p99 ${ms(percentile(took, 0.99))}`)
  line('submits', tookMs)
  line(`reports of ${nodes} nodes`, reports)

  assert.deepEqual(wrong, [], 'a refusal is 429 too-many-requests with Retry-After')
  assert.ok(jobs.length > 0 && refused > 0, 'some were taken and some were refused')
  assert.equal(new Set(jobs).size, jobs.length, 'each was told a number of its own')
  assert.deepEqual(states, { up: nodes }, 'no node fell silent')
  // None was refused, or the fleet would have failed; and none had to wait for long.
  const pace = (nodes * forMs) / shape.reportMs
  assert.ok(reports.length > pace / 4, `the nodes reported ${reports.length} times of ${pace}`)

  await scheduler.stop('SIGKILL')
  scheduler = await startScheduler(folder.path)
  const kept = new Set(await liveJobs(scheduler))
  const lost = jobs.filter((job) => !kept.has(job))
  assert.deepEqual(lost, [], 'what was acknowledged survives kill -9')
  assert.equal(kept.size, jobs.length, 'what was refused has left nothing')
  console.log(`after kill -9: all ${whole(kept.size)} there, none twice`)
} finally {
  await fleet.process.stop('SIGKILL')
  await scheduler.stop('SIGKILL')
  folder.remove()
}
await dueAtOnce()

function load({ url, secret: bearer }: Scheduler): Promise<LoadOutput> {
  // Held: they are all there still when they are counted.
  const body = { ...request, hold: true }
  const input: LoadInput = { url, bearer, clients, forMs, body }
  return nextLine(program<LoadOutput>('../load/clients', input).lines)
}

async function nodeStates(one: Scheduler): Promise<Record<string, number>> {
  const connection = await one.connect()
  const list = await connection.json<{ nodes: { state: string }[] }>('GET', '/v1/nodes')
  connection.close()
  const states: Record<string, number> = {}
  for (const { state } of list.nodes) states[state] = (states[state] ?? 0) + 1
  return states
}

async function liveJobs(one: Scheduler): Promise<number[]> {
  const connection = await one.connect()
  const found: number[] = []
  for (let page = ''; ;) {
    const path = `/v1/jobs?limit=10000${page === '' ? '' : `&page=${page}`}`
    const list = await connection.json<{ jobs: { id: number }[]; next: string | null }>('GET', path)
    found.push(...list.jobs.map(({ id }) => id))
    if (list.next === null) break
    page = encodeURIComponent(list.next)
  }
  connection.close()
  return found
}

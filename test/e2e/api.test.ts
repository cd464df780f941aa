/** The API as programs speak it: raw HTTP with the secret of one's own grid. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid

beforeAll(async () => {
  grid = await TestGrid.start()
})
afterAll(() => grid.end())

const bearer = () => readFileSync(join(grid.data, 'scheduler', 'secret'), 'utf8').trim()
type Init = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> }
const call = (path: string, init: Init = {}) =>
  fetch(`${grid.url}${path}`, {
    ...init,
    headers: {
      authorization: `Bearer ${bearer()}`,
      'content-type': 'application/json',
      ...init.headers,
    },
  })

test('health and figures are there for everybody who watches', async () => {
  expect(await (await fetch(`${grid.url}/healthz`)).text()).toBe('ok\n')
  expect((await fetch(`${grid.url}/readyz`)).status).toBe(200)
  const metrics = await (await call('/metrics')).text()
  expect(metrics).toMatch(/^evergrid_node_up\{node="node1"\} 1$/m)
  expect((await call('/v1/nothing')).headers.get('content-type')).toContain('problem+json')
})

test('the same key submits once, also when the first reply was lost; another body is refused', async () => {
  const job = (await grid.json<{ job?: number }[]>('jobs')).length
  expect(job).toBe(0)
  const spec = { name: 'once', command: ['true'], cwd: grid.work, hold: true }
  const submit = (body: object, key: string) =>
    call('/v1/jobs', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'idempotency-key': key },
    })
  const [first, second] = await Promise.all([submit(spec, 'k1'), submit(spec, 'k1')])
  const made = await first.text()
  expect([first.status, made]).toEqual([200, made])
  expect(await second.text()).toBe(made)
  process.kill(grid.pidOf('scheduler'), 'SIGKILL')
  const retried = async () => {
    const reply = await submit(spec, 'k1').catch(() => null)
    return reply === null || reply.status === 503 ? null : reply
  }
  const third = await until(retried, { what: 'the scheduler' })
  expect(third.headers.get('idempotency-replayed')).toBe('true')
  expect(await third.text()).toBe(made)
  const other = await submit({ ...spec, name: 'other' }, 'k1')
  expect(other.status).toBe(422)
  expect(await other.json()).toMatchObject({ code: 'key-reused' })
  expect(await grid.jobs()).toHaveLength(1)
  await grid.ok('stop', 'once')
})

type Event = { id: string; what: string; job: number | null }

/** Events of the stream after `after`, until one says that `job` has finished. */
async function eventsUntilEnd(job: () => number, after: string): Promise<Event[]> {
  const cut = new AbortController()
  const headers = { 'last-event-id': after }
  const reply = await call('/v1/events', { signal: cut.signal, headers })
  const seen: Event[] = []
  let text = ''
  for await (const part of reply.body ?? []) {
    text += new TextDecoder().decode(part as Uint8Array)
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const id = /^id: ?(.*)$/m.exec(block)?.[1]
      const data = /^data: ?(.*)$/m.exec(block)?.[1]
      if (id !== undefined && data !== undefined) seen.push({ ...(JSON.parse(data) as Event), id })
    }
    if (seen.some(({ what, job: of }) => what === 'finished' && of === job())) break
  }
  cut.abort()
  return seen
}

test('events are told as they happen, and a stream that was cut goes on where it was', async () => {
  const known = { job: 0 }
  const live = eventsUntilEnd(() => known.job, '0')
  known.job = await grid.submit('--', 'sleep', '1')
  const first = await live
  const from = first.findIndex(({ what, job }) => what === 'placed' && job === known.job)
  expect(from).toBeGreaterThanOrEqual(0)
  const again = await eventsUntilEnd(() => known.job, first[from]?.id ?? '')
  expect(again).toEqual(first.slice(from + 1))
})

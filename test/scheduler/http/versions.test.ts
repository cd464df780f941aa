/** An exec-node of a newer version may say more than this scheduler knows; a person may not. */
import { expect, onTestFinished, test } from 'vitest'

import { reportOf } from '../../bench/filled.ts'
import { aRoom, post } from './a-room.ts'

test('fields that are not known pass in reports, at any depth, and in the query of the order stream', async () => {
  const room = await aRoom()
  onTestFinished(() => room.end())
  const usual = reportOf('n1', 4, {})
  const newer = {
    ...usual,
    protocol: 2,
    novelty: { deep: [1] },
    facts: { ...usual.facts, gpus: 3 },
    placements: [
      {
        task: '1.1',
        epoch: 1,
        phase: { kind: 'accepted', mood: 'good' },
        runs: [],
        version: 1,
        colour: 'red',
      },
    ],
  }
  const reply = await room.ask('/v1/node/report', { ...post(newer), as: room.nodeSecret })
  expect(reply.status).toBe(200)
  expect(room.door.calls.at(-1)?.call['body']).toMatchObject({ novelty: { deep: [1] } })
  const stream = new AbortController()
  const orders = await fetch(`${room.url}/v1/node/orders?node=n1&protocol=2`, {
    headers: { authorization: `Bearer ${room.nodeSecret}` },
    signal: stream.signal,
  })
  expect(orders.status).toBe(200)
  stream.abort()
  const strict = await room.ask('/v1/jobs', post({ command: ['x'], cwd: '/', colour: 'red' }))
  expect(strict).toMatchObject({ status: 400, body: { code: 'invalid' } })
})

import http from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterEach, expect, it } from 'vitest'

import { lineSplitter, openLink } from '../../exec-node/link.ts'
import type { Report } from '../../proto/sync.ts'
import { realClock } from '../../src/lib/real-clock.ts'
import { until } from '../support/wait.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function linkTo(handle: http.RequestListener | null) {
  const server = http.createServer(handle ?? (() => {}))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const end = () =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(resolve)
    })
  if (handle === null) await end()
  else undo.push(end)
  const agent = new http.Agent({ keepAlive: true })
  undo.push(() => agent.destroy())
  const timing = { clock: realClock(), timeoutMs: 300, silentMs: 300 }
  return openLink({ url, node: 'n', session: 's1', secret: () => 's', agent, ...timing })
}

const report = {} as Report
const problem = { code: 'wrong-grid', detail: 'of another grid', status: 409, title: '', type: '' }

it.each([
  [
    'an answer',
    (_: unknown, to: http.ServerResponse) => to.end('{"grid":"g"}'),
    { kind: 'answered', reply: { grid: 'g' } },
  ],
  [
    'a refusal',
    (_: unknown, to: http.ServerResponse) => to.writeHead(409).end(JSON.stringify(problem)),
    { kind: 'rejected', refusal: { code: 'wrong-grid' } },
  ],
  [
    'a failure of the scheduler',
    (_: unknown, to: http.ServerResponse) => to.writeHead(503).end('{"detail":"disk"}'),
    { kind: 'failed', detail: '503 disk' },
  ],
  [
    'a scheduler that cannot write its store',
    (_: unknown, to: http.ServerResponse) =>
      to.writeHead(503).end('{"code":"read-only","detail":"the disk is full"}'),
    { kind: 'judges-nobody', detail: 'the disk is full' },
  ],
  ['nonsense', (_: unknown, to: http.ServerResponse) => to.end('<html>'), { kind: 'failed' }],
  ['silence', () => {}, { kind: 'failed', detail: 'no answer in time' }],
  ['a cut', (_: unknown, to: http.ServerResponse) => to.destroy(), { kind: 'failed' }],
  ['nobody there', null, { kind: 'refused-connection' }],
])('%s is told apart', async (_, handle, expected) => {
  const link = await linkTo(handle)
  expect(await link.report(report)).toMatchObject(expected)
})

it('reads orders line by line and ends a stream that falls silent', async () => {
  const link = await linkTo((_, to) => {
    to.write('{"kind":"ping"}\n{"kind":"re')
    setImmediate(() => to.write('port-now"}\n'))
  })
  const lines: string[] = []
  const closed: string[] = []
  link.orders({ line: (line) => lines.push(line.kind), closed: (reason) => closed.push(reason) })
  await until(() => closed.length === 1)
  expect(lines).toEqual(['ping', 'report-now'])
  expect(closed).toEqual(['the stream fell silent'])
})

it('a line that cannot be read ends the stream', async () => {
  const link = await linkTo((_, to) => void to.write('{nonsense\n'))
  const closed: string[] = []
  link.orders({ line: () => {}, closed: (reason) => closed.push(reason) })
  await until(() => closed.length === 1)
  expect(closed).toHaveLength(1)
})

it('splits bytes into lines wherever they are cut', () => {
  const text = Buffer.from('{"a":"ü"}\n\n{"b":2}\nrest')
  for (let size = 1; size < text.length; size += 1) {
    const lines: string[] = []
    const split = lineSplitter((line) => lines.push(line))
    for (let at = 0; at < text.length; at += size) split(text.subarray(at, at + size))
    expect(lines).toEqual(['{"a":"ü"}', '{"b":2}'])
  }
})

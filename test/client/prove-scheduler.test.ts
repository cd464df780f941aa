import http from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

import { afterEach, expect, test } from 'vitest'

import { provenAgent } from '../../src/client/prove-scheduler.ts'
import { parseRows, rowAddress, serves } from '../../src/lib/tcp-rows.ts'
import { isRoot, nobody, spawnAs } from '../support/as-user.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

function get(url: string, options?: { insecureNetwork: boolean }): Promise<string> {
  const agent = provenAgent(url, options)
  ends.push(() => agent.destroy())
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent, headers: { authorization: 'Bearer secret' } }, (reply) => {
        let text = ''
        reply.on('data', (part: Buffer) => (text += part.toString()))
        reply.on('end', () => resolve(text))
      })
      .on('error', reject)
  })
}

async function listening(host: string): Promise<number> {
  const server = http.createServer((_request, reply) => reply.end('mine'))
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve)
  })
  ends.push(() => server.close())
  return (server.address() as AddressInfo).port
}

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['::', '127.0.0.1'],
  ['::1', '[::1]'],
  ['127.0.0.1', 'localhost'],
])('a scheduler of one’s own at %s is believed as %s', async (host, name) => {
  expect(await get(`http://${name}:${await listening(host)}/`)).toBe('mine')
})

/** Says its port, then prints every byte that it is sent. */
const squatter = `
  const server = require('net').createServer((socket) => {
    socket.on('error', () => {}).on('data', (data) => console.log('GOT ' + data))
  })
  server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port))`

test.skipIf(!isRoot)('a stranger who took the port gets not one byte', async () => {
  const child = spawnAs(nobody.uid, [process.execPath, '-e', squatter])
  ends.push(() => child.kill('SIGKILL'))
  let said = ''
  const port = await new Promise<string>((resolve) => {
    child.stdout?.on('data', (part: Buffer) => {
      said += part.toString()
      const match = /port (\d+)/.exec(said)
      if (match?.[1]) resolve(match[1])
    })
  })
  await expect(get(`http://127.0.0.1:${port}/`)).rejects.toThrow(
    `port ${port} is held by a process of user ${nobody.name}`,
  )
  // What comes after on a connection of our own arrives, so nothing of before is still on its way.
  const probe = http.get(`http://127.0.0.1:${port}/probe`).on('error', () => {})
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', () => said.includes('/probe') && resolve())
  })
  probe.destroy()
  expect(said).not.toContain('secret')
})

test('nobody listens: the refusal of the host comes through as it is', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => {
    server.close(resolve)
  })
  await expect(get(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('other machines are refused without a look, unless told in words', async () => {
  await expect(get('http://192.0.2.1:6444/')).rejects.toThrow('--insecure-network')
  await expect(get('http://grid.example:6444/')).rejects.toThrow('nothing proves who answers')
})

test('the kernel’s table is read as it is written', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:192C 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0',
    '   1: 0100007F:192C 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 0 1 0',
    '   2: 0100007F:9C40 0100007F:192C 01 00000000:00000000 00:00000000 00000000  1000        0 99 1 0',
  ].join('\n')
  const [listener, accepted, ...more] = parseRows(table, 6444)
  expect(more).toEqual([])
  expect(listener).toMatchObject({ listening: true, uid: 1000, inode: 4711 })
  expect(accepted).toMatchObject({ listening: false, inode: 0 })
  expect(accepted?.local).toBe(rowAddress('127.0.0.1', 6444))
  expect(accepted?.remote).toBe(rowAddress('::ffff:127.0.0.1', 40_000))
  expect(listener && serves(listener, rowAddress('127.0.0.1', 6444))).toBe(true)
  expect(listener && serves(listener, rowAddress('127.0.0.2', 6444))).toBe(false)
  expect(rowAddress('::1', 1)).toBe('00000000000000000000000000000001:0001')
})

import http from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { httpChecker } from '../../exec-node/check-http.ts'
import { lookUpUser } from '../../exec-node/process/identity.ts'
import { accountName } from '../../src/lib/accounts.ts'
import { tcpRows } from '../../src/lib/tcp-rows.ts'

const check = httpChecker(lookUpUser)
const isRoot = process.getuid?.() === 0
let server: http.Server
let url = ''
let uids: number[] = []

beforeEach(async () => {
  uids = []
  server = http.createServer((request, reply) => {
    // Others may have used the port a moment ago, for another connection.
    const rows = tcpRows(request.socket.remotePort ?? 0).filter(({ inode }) => inode !== 0)
    uids.push(...rows.map((row) => row.uid))
    if (request.url === '/slow') return
    reply.writeHead(request.url === '/bad' ? 500 : 204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

it('tells health by the status', async () => {
  const self = await accountName(process.getuid?.() ?? 0)
  expect(await check(`${url}/`, 5_000, self)).toEqual({ ok: true, detail: 'status 204' })
  expect(await check(`${url}/bad`, 5_000, self)).toEqual({ ok: false, detail: 'status 500' })
})

it('gives up in time, and says what is wrong with an address', async () => {
  const self = await accountName(process.getuid?.() ?? 0)
  expect(await check(`${url}/slow`, 300, self)).toEqual({
    ok: false,
    detail: 'no answer within 300 ms',
  })
  expect(await check('http://', 5_000, self)).toMatchObject({ ok: false })
  expect(await check(`${url}/`, 5_000, 'no-such-account-here')).toMatchObject({ ok: false })
})

it.runIf(isRoot)('asks as the owner, not as root', async () => {
  await check(`${url}/`, 5_000, 'nobody')
  const found = await lookUpUser('nobody')
  expect(uids).toEqual([found.ok ? found.identity.uid : 0])
})

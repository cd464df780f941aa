/** A scheduler over TLS proves itself by its authority: whoever cannot is refused in words, and is sent nothing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync, existsSync } from 'node:fs'
import http from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import type { Pair } from '../../scheduler/tls/certificates.ts'
import { provenAgent } from '../../src/client/prove-scheduler.ts'
import { authorityShownAt } from '../../src/client/secure-connection.ts'
import { trust, trustedAt } from '../../src/client/trusted.ts'
import { fingerprintOf } from '../../src/lib/authority.ts'
import { isRoot } from '../support/as-user.ts'
import { authority, shownBy } from '../support/certificates.ts'

let folder: string
let kept: string
const ends: (() => unknown)[] = []
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evergrid-trust-'))
  kept = join(folder, 'authority.pem')
  writeFileSync(kept, (await authority('ours')).certificate)
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Whoever listens; `heard` is all that was sent there once the connection was made. */
async function listening(shown: Pair | null, host = '127.0.0.1') {
  const told = { heard: '' }
  const answer = (socket: NodeJS.ReadWriteStream) => {
    socket.on('error', () => {})
    socket.on('data', (part: Buffer) => {
      told.heard += part.toString('latin1')
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmine')
    })
  }
  const server =
    shown === null
      ? createServer(answer)
      : createTlsServer({ cert: shown.certificate, key: shown.key }, answer)
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve)
  })
  ends.push(() => new Promise((resolve) => server.close(resolve)))
  return { port: (server.address() as AddressInfo).port, told }
}

function get(url: string, authorityFile = kept): Promise<string> {
  const agent = provenAgent(url, { authorityFile })
  return new Promise<string>((resolve, reject) => {
    http
      .get(url, { agent, headers: { authorization: 'Bearer secret' } }, (reply) => {
        reply.on('data', (part: Buffer) => resolve(part.toString()))
      })
      .on('error', reject)
  }).finally(() => agent.destroy())
}

test.each(['127.0.0.1', 'localhost'])(
  'one of the trusted authority is believed as %s',
  async (name) => {
    const { port, told } = await listening(await shownBy('ours'))
    expect(await get(`https://${name}:${port}/`)).toBe('mine')
    expect(told.heard).toContain('Bearer secret')
  },
)

const past = { now: Date.now() - 30 * 86_400_000, lifeMs: 86_400_000 }
const later = { now: Date.now() + 30 * 86_400_000, lifeMs: 86_400_000 }

test.each<[string, () => Promise<Pair>, RegExp]>([
  [
    'of another authority',
    () => shownBy('another'),
    /another authority than .*somebody stands between.*eg tls trust/,
  ],
  [
    'that has expired',
    () => shownBy('ours', ['127.0.0.1'], past),
    /is good from .* to .*look at the clocks/,
  ],
  [
    'that is not good yet',
    () => shownBy('ours', ['127.0.0.1'], later),
    /is good from .*look at the clocks/,
  ],
  [
    'for other names',
    () => shownBy('ours', ['grid.example', '192.0.2.7']),
    /not for 127\.0\.0\.1 but for grid\.example, 192\.0\.2\.7.*--tls-name 127\.0\.0\.1/,
  ],
  [
    'of its own',
    async () => {
      const own = await authority('another')
      return own
    },
    /another authority than/,
  ],
])('a certificate %s is refused, and its server is sent nothing', async (_what, shown, words) => {
  const { port, told } = await listening(await shown())
  await expect(get(`https://127.0.0.1:${port}/`)).rejects.toThrow(words)
  await expect(get(`https://127.0.0.1:${port}/`)).rejects.toMatchObject({
    code: 'EVERGRID_NOT_PROVEN',
  })
  expect(told.heard).toBe('')
})

test('where no authority is known nobody is believed at first sight', async () => {
  const { port, told } = await listening(await shownBy('ours'))
  const url = `https://127.0.0.1:${port}/`
  await expect(get(url, join(folder, 'none'))).rejects.toThrow(/nothing here says.*eg tls trust/)
  expect(told.heard).toBe('')
  // A file that others could have written says nothing.
  const open = join(folder, 'open.pem')
  writeFileSync(open, readFileSync(kept))
  chmodSync(open, 0o666)
  await expect(get(url, open)).rejects.toThrow(/nothing here says/)
})

test('a port that speaks plain HTTP is told apart, and hears no request', async () => {
  const server = http.createServer((_request, reply) => reply.end('plain'))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  ends.push(() => server.close())
  const { port } = server.address() as AddressInfo
  await expect(get(`https://127.0.0.1:${port}/`)).rejects.toThrow(/does not speak TLS.*--tls/)
})

test('a refusal of the host comes through as it is, whether or not an authority is known', async () => {
  const { port } = await listening(null)
  await ends.pop()?.()
  for (const file of [kept, join(folder, 'none')])
    await expect(get(`https://127.0.0.1:${port}/`, file)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
})

test('an authority is fetched by its fingerprint, and no other is taken', async () => {
  const { port, told } = await listening(await shownBy('ours', ['elsewhere.example']))
  const url = `https://127.0.0.1:${port}`
  const { certificate } = await authority('ours')
  expect(fingerprintOf(await authorityShownAt(url, fingerprintOf(certificate)))).toBe(
    fingerprintOf(certificate),
  )
  const wrong = fingerprintOf((await authority('another')).certificate)
  await expect(authorityShownAt(url, wrong)).rejects.toThrow(
    /does not show the authority.*stands between/,
  )
  expect(told.heard).toBe('')
})

test.skipIf(isRoot || existsSync('/etc/evergrid'))(
  'what an account trusts it trusts for one address',
  async () => {
    const { certificate } = await authority('ours')
    process.env['XDG_CONFIG_HOME'] = folder
    try {
      const file = trust('https://grid.example:6444', [certificate])
      expect(trustedAt('https://grid.example:6444')).toMatchObject({ from: file })
      expect(trustedAt('https://grid.example:6445')?.from).not.toBe(file)
    } finally {
      delete process.env['XDG_CONFIG_HOME']
    }
  },
)

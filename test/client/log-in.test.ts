/** A login from the client's side: which ways it tries, what passes, and what it says when none will do. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { ClientError } from '../../src/client/client-error.ts'
import { openClient, type Client } from '../../src/client/client.ts'
import { fakeApi, Refused, type FakeApi } from '../support/fake-api.ts'

let api: FakeApi
let client: Client
beforeEach(async () => {
  for (const name of ['XDG_STATE_HOME', 'XDG_CACHE_HOME', 'EVERGRID_DATA'])
    vi.stubEnv(name, '/nonexistent')
  vi.stubEnv('EVERGRID_MUNGE_SOCKET', '/nonexistent/munge')
  api = await fakeApi()
  client = openClient({ url: api.url })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  client.close()
  await api.close()
})

const offers = (...ways: string[]) => {
  api.handlers.grid = () => ({ grid: 'g', version: '1', proof: 'file', ways, proofFolder: null })
}
const failure = async (patienceMs = 0): Promise<ClientError> => {
  const error: unknown = await client.call('whoAmI', {}, { patienceMs }).catch((e: unknown) => e)
  if (error instanceof ClientError) return error
  throw new Error('it did not fail', { cause: error })
}
const logins = () => api.heard.filter(({ name }) => name === 'login').map(({ body }) => body)

test('a scheduler that is starting, or has too many logins, is asked again', async () => {
  offers('munge')
  let asked = 0
  api.handlers.login = () => {
    asked += 1
    if (asked === 1) throw new Refused({ code: 'unavailable', detail: 'the scheduler is starting' })
    if (asked === 2) throw new Refused({ code: 'too-many-requests', detail: 'too many logins' })
    throw new Refused({ code: 'unauthenticated', detail: 'munged is away' })
  }
  expect(await failure(5_000)).toMatchObject({ code: 'unauthenticated', exit: 4 })
  expect(asked).toBe(3)
})

test('every way that is offered is tried in its turn, and each says why not', async () => {
  offers('home', 'munge', 'file')
  api.handlers.login = ({ body }) => {
    const { way } = body as { way: string }
    throw new Refused({ code: 'unauthenticated', detail: `no ${way} today` })
  }
  const { detail } = await failure()
  expect(logins().map((body) => (body as { way: string }).way)).toEqual(['munge', 'home'])
  expect(detail).toMatch(
    /by a file on its machine: .*by MUNGE: no munge today; by .*: no home today/,
  )
  expect(detail).toContain('EVERGRID_TOKEN')
})

test('nothing is written where a scheduler would have it, and no odd challenge is answered', async () => {
  offers('home')
  const reply = { challenge: 'a'.repeat(32), nonce: 'b'.repeat(64), way: 'home' }
  api.handlers.login = () => ({ ...reply, file: '/etc/cron.d/x' })
  expect((await failure()).detail).toContain('homes must have the same paths on both machines')
  api.handlers.login = () => ({ ...reply, challenge: '../../x', file: null })
  expect((await failure()).detail).toContain('gave no challenge as a scheduler does')
  expect(api.heard.map(({ name }) => name)).not.toContain('prove')
})

test('an older scheduler is named as such', async () => {
  api.handlers.grid = () => ({ grid: 'g', version: '0.0.9', proof: 'file', proofFolder: '/x' })
  expect((await failure()).detail).toContain('(version 0.0.9) is older than this program')
})

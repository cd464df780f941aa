import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { ClientError } from '../../src/client/client-error.ts'
import { openClient, type Client } from '../../src/client/client.ts'
import { events, serverSent } from '../../src/client/events.ts'
import { readLog } from '../../src/client/log-reader.ts'
import { fakeApi, ownDataFolder, Refused, secret, type FakeApi } from '../support/fake-api.ts'

let api: FakeApi
let client: Client
let data: ReturnType<typeof ownDataFolder>

beforeEach(async () => {
  data = ownDataFolder()
  api = await fakeApi()
  client = openClient({ url: api.url })
})
afterEach(async () => {
  client.close()
  await api.close()
  data.remove()
})

const submitted = { job: 17, name: 'bot', tasks: 1, warnings: [] }
const body = { command: ['true'], cwd: '/' }
const failure = async (promise: Promise<unknown>): Promise<ClientError> => {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ClientError)
  return error as ClientError
}

describe('call', () => {
  test('fills in the path, the query and the body, and shows the secret', async () => {
    api.handlers.showJob = () => ({ id: 17 })
    await client.call('showJob', { params: { job: 'a b/c' }, query: { tasks: '1-5' } })
    expect(api.heard[0]).toMatchObject({
      name: 'showJob',
      params: { job: 'a b/c' },
      query: { tasks: '1-5' },
      headers: { authorization: `Bearer ${secret}` },
    })
    expect(api.heard[0]?.headers['idempotency-key']).toBeUndefined()
  })

  test('shows nothing where nobody need be known', async () => {
    api.handlers.grid = () => ({ grid: 'g', version: '1', proof: 'secret', proofFolder: null })
    await client.call('grid')
    expect(api.heard[0]?.headers.authorization).toBeUndefined()
  })

  test('throws what the scheduler refuses, with code, detail, hint and exit status', async () => {
    api.handlers.submitJob = () => {
      throw new Refused({ code: 'name-taken', detail: 'job 3 has that name', hint: 'stop it' })
    }
    const error = await failure(client.call('submitJob', { body }))
    expect(error).toMatchObject({
      code: 'name-taken',
      detail: 'job 3 has that name',
      hint: 'stop it',
      exit: 1,
    })
    expect(error.toProblem()).toMatchObject({ status: 409, code: 'name-taken' })
  })

  test('an answer of some other server is not taken for a reply', async () => {
    api.handlers.listNodes = (_, response) => {
      response.writeHead(502).end('<html>proxy</html>')
      return null
    }
    const error = await failure(client.call('listNodes'))
    expect(error.code).toBe('internal')
    expect(error.detail).toContain('status 502: <html>proxy</html>')
    api.handlers.listNodes = (_, response) => {
      response.end('<html>welcome</html>')
      return null
    }
    expect((await failure(client.call('listNodes'))).detail).toContain('<html>welcome</html>')
  })
})

describe('trying again', () => {
  test('a lost answer to a change is asked for again under the same key', async () => {
    let times = 0
    api.handlers.submitJob = (_, response) => {
      times++
      if (times > 2) return submitted
      response.destroy()
      return null
    }
    expect(await client.call('submitJob', { body })).toEqual(submitted)
    const keys = api.heard.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('so is one that breaks off in the middle', async () => {
    let times = 0
    api.handlers.submitJob = (_, response) => {
      if (++times > 1) return submitted
      response.writeHead(200, { 'content-length': 100 }).write('{"job":')
      setTimeout(() => response.destroy(), 20)
      return null
    }
    expect(await client.call('submitJob', { body })).toEqual(submitted)
    expect(new Set(api.heard.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
    expect(times).toBe(2)
  })

  test('different calls carry different keys', async () => {
    api.handlers.submitJob = () => submitted
    await client.call('submitJob', { body })
    await client.call('submitJob', { body })
    expect(new Set(api.heard.map(({ headers }) => headers['idempotency-key'])).size).toBe(2)
  })

  test('a scheduler that is not ready yet is waited for', async () => {
    let times = 0
    api.handlers.listNodes = () => {
      if (++times < 3) throw new Refused({ code: 'unavailable', detail: 'starting' })
      return { nodes: [] }
    }
    expect(await client.call('listNodes')).toEqual({ nodes: [] })
  })

  test('a scheduler that restarts is found again', async () => {
    const { port } = new URL(api.url)
    await api.close()
    const call = client.call('listNodes')
    const told = new Promise((done) => {
      setTimeout(done, 120)
    })
    await told
    api = await fakeApi({ listNodes: () => ({ nodes: [] }) }, Number(port))
    expect(await call).toEqual({ nodes: [] })
  })

  test('patience has an end, and says what to do', async () => {
    await api.close()
    const error = await failure(client.call('listNodes', {}, { patienceMs: 150 }))
    expect(error).toMatchObject({ code: 'unreachable', exit: 3 })
    expect(error.detail).toBe(`cannot reach the scheduler at ${api.url}: nothing listens there`)
    expect(error.hint).toContain('eg up')
  })

  test('one who is no longer known proves himself anew, once', async () => {
    api.handlers.whoAmI = () => {
      throw new Refused({ code: 'unauthenticated', detail: 'that secret opens nothing' })
    }
    api.handlers.grid = () => ({ grid: 'g', version: '1', proof: 'secret', proofFolder: null })
    const error = await failure(client.call('whoAmI'))
    expect(error).toMatchObject({ code: 'unauthenticated', exit: 4 })
    expect(error.detail).toContain('is private')
    expect(api.heard.map(({ name }) => name)).toEqual(['whoAmI', 'grid'])
  })

  test('a refusal is final', async () => {
    api.handlers.editJob = () => {
      throw new Refused({ code: 'read-only', detail: 'disk full' })
    }
    await failure(client.call('editJob', { params: { job: '1' }, body: {} }))
    expect(api.heard).toHaveLength(1)
  })

  test('nobody off this machine is spoken to unless told in words', async () => {
    const far = openClient({ url: 'http://192.0.2.1:6444', patienceMs: 0 })
    const error = await failure(far.call('grid'))
    expect(error.detail).toContain('--insecure-network')
    far.close()
  })
})

const event = (id: number) => ({ id, at: '2026-11-23T08:00:00.000Z', what: 'placed', detail: '' })
const send = (...ids: number[]) =>
  ids.map((id) => `id: ${id}\nevent: placed\ndata: ${JSON.stringify(event(id))}\n\n`).join('')

describe('events', () => {
  test('a stream that breaks is taken up after the last event seen', async () => {
    api.handlers.events = ({ headers, query }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      if (query['since'] === '4') response.write(`: hello\n\n${send(5, 6)}`)
      if (headers['last-event-id'] === '6') response.write(send(6, 7))
      setTimeout(() => response.destroy(), 20)
      return null
    }
    const seen: number[] = []
    for await (const { id } of events(client, { since: 4, follow: true })) {
      seen.push(id)
      if (id === 7) break
    }
    expect(seen).toEqual([5, 6, 7])
  })

  test('without follow it ends with the newest', async () => {
    api.handlers.events = (_, response) => {
      response.writeHead(200).end(send(1, 2))
      return null
    }
    const seen: number[] = []
    for await (const { id } of events(client)) seen.push(id)
    expect(seen).toEqual([1, 2])
  })

  test('characters and lines may be cut anywhere', async () => {
    const bytes = Buffer.from('data: {"a":"é"}\r\n\r\ndata:x\ndata: y\n\n')
    async function* single() {
      for (const byte of bytes) yield await Promise.resolve(Buffer.from([byte]))
    }
    const found: string[] = []
    for await (const part of serverSent(single())) found.push(part)
    expect(found).toEqual(['{"a":"é"}', 'x\ny'])
  })
})

describe('readLog', () => {
  const part = (text: string, cursor: string | null, rest: object = {}) => ({
    data: Buffer.from(text).toString('base64'),
    cursor,
    end: false,
    over: false,
    note: null,
    ...rest,
  })
  const collect = async (options: Parameters<typeof readLog>[2]) => {
    const found: string[] = []
    for await (const { data, note } of readLog(client, 'bot', options)) {
      found.push(note === null ? data.toString() : `(${note})${data.toString()}`)
    }
    return found
  }

  test('reads page by page to what there is now', async () => {
    api.handlers.readLog = ({ query }) =>
      query['cursor'] === undefined ? part('one\n', 'c1') : part('two\n', 'c2', { end: true })
    expect(await collect({ stream: 'err', tail: 5 })).toEqual(['one\n', 'two\n'])
    expect(api.heard[0]?.query).toEqual({ stream: 'err', tail: '5' })
    expect(api.heard[1]?.query).toEqual({ stream: 'err', cursor: 'c1' })
  })

  test('follows until the job is over', async () => {
    const answers = [
      part('a', 'c1', { end: true }),
      part('', 'c1', { end: true }),
      part('b', 'c2', { end: true, over: true }),
    ]
    api.handlers.readLog = () => answers.shift()
    expect(await collect({ follow: true })).toEqual(['a', 'b'])
    expect(api.heard[1]?.query).toMatchObject({ cursor: 'c1', waitMs: '20000' })
  })

  test('a silent node and a lost position are told and lived through', async () => {
    const answers: unknown[] = [
      part('a', 'c1', { end: true }),
      new Refused({ code: 'node-silent', detail: 'node1 does not answer' }),
      new Refused({ code: 'cursor-gone', detail: 'moved to node2' }),
      part('b', 'd1', { end: true, over: true, note: 'only the tail is left' }),
    ]
    api.handlers.readLog = () => {
      const next = answers.shift()
      if (next instanceof Refused) throw next
      return next
    }
    expect(await collect({ follow: true })).toEqual([
      'a',
      '(node1 does not answer)',
      '(moved to node2)',
      '(only the tail is left)b',
    ])
    expect(api.heard[3]?.query).toEqual({})
  })

  test('without follow a silent node is an error', async () => {
    api.handlers.readLog = () => {
      throw new Refused({ code: 'node-silent', detail: 'node1 does not answer' })
    }
    expect((await failure(collect({}))).code).toBe('node-silent')
  })
})

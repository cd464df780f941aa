/** An HTTP server that speaks the routes with answers made by the test: for client and commands. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { RouteName } from '../../proto/api.ts'
import { problemOf, type Refusal } from '../../proto/errors.ts'
import { textOf } from '../../src/client/exchange.ts'
import { wireTable } from '../../src/client/wire-table.ts'

export type Heard = {
  name: RouteName
  params: Record<string, string>
  query: Record<string, string>
  body: unknown
  headers: http.IncomingHttpHeaders
}
/** A reply to send, a refusal to word, or `null` where it has answered (or hung up) by itself. */
type Handler = (heard: Heard, response: http.ServerResponse) => unknown
export type Handlers = Partial<Record<RouteName, Handler>>

export class Refused extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.detail)
    this.refusal = refusal
  }
}

export const secret = 'ab'.repeat(32)

/** A grid data folder of this process's own, with the secret that makes a client known. */
export function ownDataFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'eg-data-'))
  mkdirSync(join(folder, 'scheduler'))
  writeFileSync(join(folder, 'scheduler', 'secret'), secret, { mode: 0o600 })
  const before = process.env['EVERGRID_DATA']
  process.env['EVERGRID_DATA'] = folder
  return {
    folder,
    remove() {
      if (before === undefined) delete process.env['EVERGRID_DATA']
      else process.env['EVERGRID_DATA'] = before
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type FakeApi = {
  url: string
  heard: Heard[]
  handlers: Handlers
  close: () => Promise<void>
}

export async function fakeApi(handlers: Handlers = {}, port = 0): Promise<FakeApi> {
  const heard: Heard[] = []
  const server = http.createServer((request, response) => {
    void answer(request, response, handlers, heard)
  })
  await new Promise<void>((done) => {
    server.listen(port, '127.0.0.1', done)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    handlers,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  handlers: Handlers,
  heard: Heard[],
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://x')
  const [name, params] = routeOf(request.method ?? '', url.pathname)
  const text = await textOf(request)
  const said: Heard = {
    name,
    params,
    query: Object.fromEntries(url.searchParams),
    body: text === '' ? undefined : JSON.parse(text),
    headers: request.headers,
  }
  heard.push(said)
  const send = (status: number, body: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  try {
    const handler = handlers[name]
    if (handler === undefined) throw new Refused({ code: 'not-found', detail: `no ${name} here` })
    const reply = await handler(said, response)
    if (reply !== null) send(200, reply)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const problem = problemOf(error.refusal)
    send(problem.status, problem)
  }
}

function routeOf(method: string, path: string): [RouteName, Record<string, string>] {
  for (const [name, [verb, template]] of Object.entries(wireTable)) {
    const pattern = new RegExp(`^${template.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
    const match = verb === method ? pattern.exec(path) : null
    if (match) {
      const params = Object.entries(match.groups ?? {}).map(([key, value]) => [
        key,
        decodeURIComponent(value),
      ])
      return [name as RouteName, Object.fromEntries(params) as Record<string, string>]
    }
  }
  throw new Error(`no route ${method} ${path}`)
}

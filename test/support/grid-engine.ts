/**
 * Grid Engine's commands on a real brain with nodes that do what a test says: as alice, bob or root on host `vm`, as
 * the recordings in test/golden were made.
 */
import { Value } from 'typebox/value'

import { routes } from '../../proto/api.ts'
import type { Caller } from '../../scheduler/brain/call.ts'
import { refuseAccess } from '../../scheduler/core/identity/access.ts'
import { programs } from '../../src/cli/programs.ts'
import { ClientError } from '../../src/client/client-error.ts'
import type { Client } from '../../src/client/client.ts'
import { BrainGrid } from './brain.ts'
import type { FakeNode } from './fake-node.ts'
import { VirtualClock } from './virtual-clock.ts'

export type Said = { stdout: string; stderr: string; exit: number }
export type As = 'alice' | 'bob' | 'root'

const callerOf = (user: As): Caller => ({
  owner: user,
  rights: user === 'root' ? 'manager' : 'user',
  from: 'test',
})

export class GridEngineWorld {
  readonly grid: BrainGrid
  readonly node: FakeNode
  /** Relative paths of scripts are looked up here. */
  cwd = '/home/alice/w'
  env: Record<string, string> = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games' }

  private constructor(grid: BrainGrid, node: FakeNode) {
    this.grid = grid
    this.node = node
  }

  static async open({
    at = '2026-11-22T17:04:59',
    slots = 16,
  }: { at?: string; slots?: number } = {}): Promise<GridEngineWorld> {
    const clock = new VirtualClock({ now: Date.parse(`${at}Z`) })
    const grid = await BrainGrid.open({ clock })
    const node = await grid.node('vm', {
      slots,
      memBytes: 25_277_000_000,
      labels: { hostname: 'vm', arch: 'x64', os: 'linux', node: 'vm' },
    })
    return new GridEngineWorld(grid, node)
  }

  /** Runs one of our commands; `input` is its standard input. */
  async run(user: As, argv: readonly string[], input = ''): Promise<Said> {
    const [name = '', ...rest] = argv
    const load = programs[name]
    if (load === undefined) return { stdout: '', stderr: `${name}: not there\n`, exit: 127 }
    const said: Said = { stdout: '', stderr: '', exit: 0 }
    const { program } = await load()
    const home = user === 'root' ? '/root' : `/home/${user}`
    said.exit = await program({
      name,
      argv: rest,
      input: () => input,
      account: () => ({ user, home, shell: '/bin/bash' }),
      host: 'vm',
      client: () => Promise.resolve(this.client(user)),
      terminal: {
        out: (text) => void (said.stdout += text),
        bytes: (data) => {
          said.stdout += data.toString()
          return Promise.resolve()
        },
        gone: new AbortController().signal,
        err: (text) => void (said.stderr += text),
        say: (line) => void (said.stderr += `${name}: ${line}\n`),
        ask: () => Promise.resolve(null),
        colour: false,
        now: () => this.grid.clock.now(),
        env: { ...this.env, HOME: home },
        cwd: this.cwd,
      },
    })
    return said
  }

  /** By qsub, under this number. */
  async submit(user: As, job: number, line: string): Promise<void> {
    this.grid.brain.state.nextJob = job
    const { exit, stderr } = await this.run(user, ['qsub', ...line.split(' ')])
    if (exit !== 0) throw new Error(stderr)
  }

  /** A client that calls the brain directly, once what is sent fits the route's schema. */
  client(user: As): Client {
    const call = async (route: keyof typeof routes, input: object = {}) => {
      const parts = { params: {}, query: {}, body: {}, ...input }
      for (const part of ['params', 'query', 'body'] as const) {
        if (!Value.Check(routes[route][part], parts[part]))
          throw new Error(
            `${route}: ${part} is not as the API wants it: ${JSON.stringify(parts[part])}`,
          )
      }
      // What the HTTP room does before the brain is asked.
      const caller = callerOf(user)
      const known = { kind: 'person', owner: user, rights: caller.rights, token: null } as const
      const refused = refuseAccess(routes[route], known, 'file', {
        operators: 'root',
        managers: 'root',
      })
      if (refused !== null)
        throw new ClientError(refused.code, refused.detail, refused.hint ?? null)
      if (route === 'whoAmI') return caller
      const answer = this.grid.call(route as never, caller, parts as never)
      const { timeoutMs } = parts.query as { timeoutMs?: number }
      if (timeoutMs !== undefined) await this.grid.clock.advance(timeoutMs)
      const result = await answer
      await this.grid.brain.settled()
      if (result.ok) return result.value
      throw new ClientError(result.refusal.code, result.refusal.detail, result.refusal.hint ?? null)
    }
    return { url: 'test', call, close: () => {} } as unknown as Client
  }

  /** What waits and fits is placed, and runs. */
  async start(): Promise<void> {
    await this.grid.tick()
    for (const { order } of this.node.held.values()) {
      if (this.node.of(order.task).report.phase.kind === 'accepted') this.node.start(order.task)
    }
    await this.node.report()
  }
}

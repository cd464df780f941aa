/** The grid that is tormented: scheduler and nodes of the built product, each with its folder, its log and its network. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import type { NodeView } from '../../proto/node.ts'
import { ClientError, openClient, type Client } from '../../src/client/index.ts'
import { until } from '../support/wait.ts'
import { Daemon } from './daemon.ts'
import { tagOf } from './enclosure.ts'
import { makeSchedulerSide, otherAddress, schedulerAddress, type Link } from './link.ts'
import { NetemLink } from './netem-link.ts'
import { lease } from './pace.ts'
import { ProgramLink } from './program-link.ts'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))
const native = fileURLToPath(new URL('native', import.meta.url))

const leaseText = () =>
  [lease.silentMs, lease.termMs, lease.killMs, lease.endMs].map((ms) => ms / 1000).join(',')

export type ChaosNode = {
  name: string
  data: string
  agent: Daemon
  link: Link | null
  /** Whether a refused connection renews its lease. */
  refusalRenews: boolean
}

const passingCodes = new Set(['unreachable', 'unavailable', 'read-only'])

export const nodeNames = ['node1', 'node2', 'node3']

/** `loose`: beside all else on this machine; `enclosed`: in namespaces of its own; `machine`: alone in a small machine with netem. */
export type Place = 'loose' | 'enclosed' | 'machine'

export class ChaosGrid {
  readonly folder: string
  readonly place: Place
  /** Nodes have links, and addresses are ours to choose. */
  readonly enclosed: boolean
  readonly work: string
  /** A small file system: output of jobs. */
  readonly out: string
  readonly schedulerData: string
  readonly scheduler: Daemon
  readonly nodes: ChaosNode[] = []
  host: string
  #client: Client | null = null
  readonly #port: number

  private constructor(folder: string, place: Place, port: number) {
    const enclosed = place !== 'loose'
    this.folder = folder
    this.place = place
    this.enclosed = enclosed
    this.#port = port
    this.host = enclosed ? schedulerAddress : '127.0.0.1'
    this.work = join(folder, 'work')
    this.out = join(folder, 'out')
    this.schedulerData = join(folder, 'scheduler')
    const told = lease.isUsual ? {} : { EVERGRID_LEASE: leaseText() }
    this.scheduler = this.#daemon('scheduler', () => this.schedulerCommand(), told)
  }

  static async start(folder: string, place: Place): Promise<ChaosGrid> {
    const grid = new ChaosGrid(folder, place, place === 'loose' ? await freePort() : 6444)
    // Two keep an emulated machine busy enough.
    const nodes = place === 'machine' ? nodeNames.slice(0, 2) : nodeNames
    for (const name of ['work', 'out', 'log', 'bin', 'scheduler', ...nodes]) {
      mkdirSync(join(folder, name), { mode: 0o700 })
    }
    for (const name of ['work', 'out']) chmodSync(join(folder, name), 0o777)
    for (const name of place === 'enclosed' ? ['worker', 'link'] : ['worker'])
      compile(join(native, `${name}.c`), grid.program(name))
    if (grid.enclosed) makeSchedulerSide()
    if (place === 'enclosed') mountSmall(folder)
    grid.scheduler.start()
    await until(() => existsSync(join(grid.schedulerData, 'node-secret')), {
      what: `a scheduler: ${grid.scheduler.lastWords()}`,
    })
    for (const [at, name] of nodes.entries()) await grid.#addNode(name, at + 1)
    await grid.allUp()
    return grid
  }

  /** Names what is this run's alone. */
  get tag(): string {
    return tagOf(this.folder)
  }

  get eg(): string {
    return join(dist, 'bin/eg')
  }

  program(name: string): string {
    return join(this.folder, 'bin', name)
  }

  get url(): string {
    return `http://${this.host}:${this.#port}`
  }

  schedulerCommand(more: { data?: string; port?: number } = {}): string[] {
    const { data = this.schedulerData, port = this.#port } = more
    const flags = ['--data', data, '--host', this.host, '--port', String(port)]
    if (this.enclosed) flags.push('--insecure-network')
    if (process.getuid?.() === 0) flags.push('--allow-root-jobs')
    return [process.execPath, join(dist, 'scheduler/main.js'), ...flags]
  }

  nodeCommand(node: Pick<ChaosNode, 'name' | 'data' | 'link' | 'refusalRenews'>): string[] {
    const flags = ['--scheduler', this.url, '--name', node.name, '--data', node.data]
    flags.push('--slots', '40', '--mem', String(8 * 2 ** 30))
    flags.push('--secret-file', join(this.schedulerData, 'node-secret'))
    if (this.enclosed) flags.push('--insecure-network')
    if (!node.refusalRenews) flags.push('--refusal-is-silence')
    const program = [process.execPath, join(dist, 'exec-node/main.js'), ...flags]
    return [...(node.link?.prefix ?? []), ...program]
  }

  get client(): Client {
    return (this.#client ??= openClient({ url: this.url, insecureNetwork: this.enclosed }))
  }

  /** The scheduler is to be found elsewhere from now on. */
  moved(): void {
    this.host = this.host === schedulerAddress ? otherAddress : schedulerAddress
    this.#client?.close()
    this.#client = null
  }

  async views(): Promise<NodeView[]> {
    return (await this.client.call('listNodes', {}, { patienceMs: 30_000 })).nodes
  }

  /** A change that must be taken in the end: a disk that was full may have left the scheduler to reading only. */
  async insist<T>(change: (client: Client) => Promise<T>, timeoutMs = 90_000): Promise<T> {
    const end = performance.now() + timeoutMs
    for (;;) {
      try {
        return await change(this.client)
      } catch (error) {
        const passing = error instanceof ClientError && passingCodes.has(error.code)
        if (!passing || performance.now() > end) throw error
        await delay(200)
      }
    }
  }

  async allUp(timeoutMs = 60_000): Promise<void> {
    const up = async () => {
      const views = await this.views().catch(() => [])
      return views.filter(({ state }) => state === 'up').length === this.nodes.length
    }
    await until(up, { timeoutMs, everyMs: 200, what: 'all nodes up' })
  }

  /** A daemon beside those of the grid, for the faults that need one. */
  extra(name: string, command: string[]): Daemon {
    return this.#daemon(name, () => command, {})
  }

  async stop(): Promise<void> {
    this.#client?.close()
    await Promise.all(this.nodes.map(({ agent }) => agent.stop()))
    await this.scheduler.stop()
    for (const { link } of this.nodes) link?.close()
  }

  async #addNode(name: string, nth: number): Promise<void> {
    const link = await this.#link(nth)
    const about = {
      name,
      data: join(this.folder, name),
      link,
      refusalRenews: !this.enclosed || nth === 3,
    }
    const agent = this.#daemon(name, () => this.nodeCommand(about), {})
    this.nodes.push({ ...about, agent })
    agent.start()
  }

  async #link(nth: number): Promise<Link | null> {
    if (this.place === 'machine') return NetemLink.open(nth)
    return this.place === 'enclosed' ? ProgramLink.open(this.program('link'), nth) : null
  }

  #daemon(name: string, command: () => string[], env: Record<string, string>): Daemon {
    return new Daemon({ name, command, env, logFile: join(this.folder, 'log', `${name}.log`) })
  }
}

/** File systems that can be filled; they go with the namespace of mounts. */
function mountSmall(folder: string): void {
  const image = join(folder, 'scheduler.img')
  execFileSync('truncate', ['-s', '192M', image])
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', image])
  execFileSync('mount', ['-o', 'loop', image, join(folder, 'scheduler')])
  execFileSync('rmdir', [join(folder, 'scheduler/lost+found')])
  chmodSync(join(folder, 'scheduler'), 0o700)
  const small = { node2: ['64M', '0700'], out: ['64M', '0777'] }
  for (const [name, [size, mode]] of Object.entries(small)) {
    execFileSync('mount', [
      '-t',
      'tmpfs',
      '-o',
      `size=${size},mode=${mode}`,
      'tmpfs',
      join(folder, name),
    ])
  }
}

function compile(source: string, program: string): void {
  const flags = ['-O1', '-std=gnu11', '-Wall', '-Wextra', '-Werror']
  execFileSync(process.env['CC'] ?? 'cc', [...flags, '-o', program, source], { stdio: 'inherit' })
}

/** Run folders of a node whose shepherd and command are known, with their process numbers. */
export type LiveRun = { key: string; shepherd: number; command: number | null }

export function runsOf(node: ChaosNode): LiveRun[] {
  const runs = join(node.data, 'runs')
  return read(() => readdirSync(runs), []).flatMap((key) => {
    const text = read(() => readFileSync(join(runs, key, 'journal'), 'utf8'), '')
    const shepherd = /^shepherd (\d+)/m.exec(text)?.[1]
    if (shepherd === undefined || /^exit /m.test(text)) return []
    const command = /^started (\d+)/m.exec(text)?.[1]
    return [
      { key, shepherd: Number(shepherd), command: command === undefined ? null : Number(command) },
    ]
  })
}

export function fenceOf(node: ChaosNode): number | null {
  return Number(read(() => readFileSync(join(node.data, 'fence.pid'), 'utf8'), '')) || null
}

function read<T>(work: () => T, otherwise: T): T {
  try {
    return work()
  } catch {
    return otherwise
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** A real grid for end-to-end tests: `eg up` from dist in a temporary folder, everything ended afterwards. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import type { JobDetail, JobSummary } from '../../proto/job.ts'
import type { NodeView } from '../../proto/node.ts'
import { until } from './wait.ts'

export const egPath = fileURLToPath(new URL('../../dist/bin/eg', import.meta.url))

export type Ended = { status: number; stdout: string; stderr: string }

export type GridOptions = {
  nodes?: number
  slots?: number
  /** `EVERGRID_LEASE`: SILENT,TERM,KILL,END in seconds. */
  lease?: string
  env?: Record<string, string>
  /** Left out: where root runs the tests. */
  allowRootJobs?: boolean
  /** More words for `eg up`. */
  args?: string[]
  /** Prepares the data folder before the first start. */
  prepare?: (data: string) => void
}

export class TestGrid {
  readonly folder: string
  /** Working folder of the jobs. */
  readonly work: string
  readonly data: string
  url = ''
  #up: ChildProcess | null = null
  readonly #options: GridOptions
  #port = '0'

  private constructor(options: GridOptions) {
    this.#options = options
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'evergrid-test-')))
    chmodSync(this.folder, 0o755)
    this.work = join(this.folder, 'work')
    this.data = join(this.folder, 'grid')
    mkdirSync(this.work)
    chmodSync(this.work, 0o777)
  }

  static async start(options: GridOptions = {}): Promise<TestGrid> {
    const grid = new TestGrid(options)
    if (options.prepare) {
      mkdirSync(grid.data, { mode: 0o700 })
      options.prepare(grid.data)
    }
    await grid.up()
    return grid
  }

  /** Only folders and an address: the test starts the daemons itself. */
  static async apart(options: GridOptions = {}): Promise<TestGrid> {
    const grid = new TestGrid(options)
    grid.#port = String(await freePort())
    grid.url = `http://127.0.0.1:${grid.#port}`
    return grid
  }

  get env(): Record<string, string | undefined> {
    const { env, lease } = this.#options
    const own = { EVERGRID_URL: this.url, EVERGRID_DATA: this.data, NO_COLOR: '1' }
    return {
      ...process.env,
      ...own,
      ...(lease === undefined ? {} : { EVERGRID_LEASE: lease }),
      ...env,
    }
  }

  /** Starts the daemons (again, on the same folder and port). */
  async up(): Promise<void> {
    const { nodes = 1, slots = 4 } = this.#options
    const args = [
      'up',
      '--data',
      this.data,
      '--port',
      this.#port,
      '--nodes',
      String(nodes),
      '--slots',
      String(slots),
    ]
    args.push(...(this.#options.args ?? []))
    if (this.#options.allowRootJobs ?? process.getuid?.() === 0) args.push('--allow-root-jobs')
    const up = spawn(egPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: this.env })
    this.#up = up
    let stderr = ''
    up.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const ready = new Promise<string>((resolve, reject) => {
      createInterface({ input: up.stdout }).on('line', (line) => {
        if (line.startsWith('ready ')) resolve(line.slice('ready '.length))
      })
      up.once('close', (code) => reject(new Error(`eg up ended with ${code}: ${stderr}`)))
    })
    this.url = await ready
    this.#port = new URL(this.url).port
  }

  /** Ends the daemons as Ctrl-C does; jobs keep running. What it printed. */
  async interrupt(signal: NodeJS.Signals = 'SIGINT'): Promise<string> {
    const up = this.#up
    if (!up || up.exitCode !== null) return ''
    let text = ''
    up.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
    up.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const ended = new Promise((resolve) => up.once('close', resolve))
    up.kill(signal)
    await ended
    return text
  }

  signal(signal: NodeJS.Signals): void {
    this.#up?.kill(signal)
  }

  eg(...args: string[]): Promise<Ended> {
    return this.egAs({}, ...args)
  }

  egAs(env: Record<string, string>, ...args: string[]): Promise<Ended> {
    return this.#run({ ...this.env, ...env }, [egPath, ...args])
  }

  /** As another account of this machine, with a home of its own; only root can. */
  egOf(uid: number, ...args: string[]): Promise<Ended> {
    const home = join(this.folder, `home-${uid}`)
    if (!existsSync(home)) {
      mkdirSync(home, { mode: 0o700 })
      chownSync(home, uid, uid)
    }
    const env = { ...this.env, HOME: home, EVERGRID_DATA: join(home, 'grid') }
    const ids = [`--reuid=${uid}`, `--regid=${uid}`, '--init-groups', '--']
    return this.#run(env, ['setpriv', ...ids, egPath, ...args])
  }

  #run(env: Record<string, string | undefined>, [program = '', ...args]: string[]): Promise<Ended> {
    return new Promise((resolve) => {
      const options = { env, cwd: this.work, maxBuffer: 2 ** 28 }
      execFile(program, args, options, (error, stdout, stderr) => {
        resolve({
          status: typeof error?.code === 'number' ? error.code : error ? 255 : 0,
          stdout,
          stderr,
        })
      })
    })
  }

  /** Standard output of a command that must succeed. */
  async ok(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.eg(...args)
    if (status !== 0)
      throw new Error(`eg ${args.join(' ')} ended with ${status}: ${stderr}${stdout}`)
    return stdout
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.ok(...args, '--json')) as T
  }

  /** Number of the new job. */
  async submit(...args: string[]): Promise<number> {
    return Number(await this.ok('submit', '--quiet', ...args))
  }

  show(job: number | string): Promise<JobDetail> {
    return this.json<JobDetail>('show', String(job))
  }

  jobs(): Promise<JobSummary[]> {
    return this.json<JobSummary[]>('jobs', '--all')
  }

  nodes(): Promise<NodeView[]> {
    return this.json<NodeView[]>('nodes')
  }

  async node(name: string): Promise<NodeView> {
    const node = (await this.nodes()).find((one) => one.name === name)
    if (!node) throw new Error(`no node ${name}`)
    return node
  }

  pidOf(daemon: 'scheduler' | `node${number}`): number {
    const file = daemon === 'scheduler' ? 'scheduler.pid' : 'exec-node.pid'
    return Number(readFileSync(join(this.data, daemon, file), 'utf8'))
  }

  /** Of `eg up` itself, which starts fallen daemons again. */
  get upPid(): number {
    return this.#up?.pid ?? 0
  }

  finished(job: number, timeoutMs = 30_000): Promise<JobDetail> {
    const over = async (): Promise<JobDetail | null> => {
      const detail = await this.show(job)
      return detail.state === 'finished' ? detail : null
    }
    return until(over, { timeoutMs, everyMs: 100, what: `the end of job ${job}` })
  }

  /** Its present run, once it runs (as another run than `not`). */
  running(
    job: number,
    not = 0,
    timeoutMs = 30_000,
  ): Promise<{ pid: number; number: number; node: string }> {
    const now = async (): Promise<{ pid: number; number: number; node: string } | null> => {
      const detail = await this.show(job)
      const [task] = detail.tasks
      const run = task && 'runs' in task ? task.runs?.at(-1) : undefined
      if (detail.state !== 'running' || !run?.pid || run.endedAt !== null || run.number === not)
        return null
      return { pid: run.pid, number: run.number, node: run.node }
    }
    return until(now, { timeoutMs, everyMs: 100, what: `a run of job ${job}` })
  }

  text(name: string): string {
    return readFileSync(join(this.work, name), 'utf8')
  }

  /** Ends every job and daemon and deletes the folder. */
  async end(): Promise<void> {
    if (this.#up?.exitCode === null) {
      await this.eg('down', '--stop-jobs', '--data', this.data)
      const up = this.#up
      await until(() => up.exitCode !== null || up.signalCode !== null, {
        what: 'the end of eg up',
      })
    }
    rmSync(this.folder, { recursive: true, force: true })
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

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ')
  } catch {
    return false
  }
}

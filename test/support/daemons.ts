/** Daemons that a test starts one by one, as a person would, on the folders and the address of a `TestGrid.apart`. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { isRoot } from './as-user.ts'
import { egPath, isAlive, type TestGrid } from './grid.ts'
import { until } from './wait.ts'

export class Daemons {
  readonly #grid: TestGrid
  readonly #started: ChildProcess[] = []
  /** What they all wrote to their logs. */
  log = ''

  constructor(grid: TestGrid) {
    this.#grid = grid
    mkdirSync(grid.data, { recursive: true })
  }

  /** Resolves with the line that it prints when it is up. `under`: a program that becomes it. */
  start(args: string[], under: string[] = []): Promise<string> {
    const [program = '', ...rest] = [...under, egPath, ...args]
    const daemon = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: this.#grid.env })
    this.#started.push(daemon)
    return new Promise((resolve, reject) => {
      let text = ''
      let problem = ''
      daemon.stderr.on('data', (part: Buffer) => {
        problem += part.toString()
        this.log += part.toString()
      })
      daemon.stdout.on('data', (part: Buffer) => {
        text += part.toString()
        const line = /^ready .*$/m.exec(text)
        if (line) resolve(line[0])
      })
      daemon.once('close', (code) =>
        reject(new Error(`eg ${args.join(' ')} ended with ${code}: ${problem}`)),
      )
    })
  }

  scheduler(under: string[] = []): Promise<string> {
    const rules = isRoot ? ['--allow-root-jobs'] : []
    const { port } = new URL(this.#grid.url)
    const data = join(this.#grid.data, 'scheduler')
    return this.start(['scheduler', '--data', data, '--port', port, ...rules], under)
  }

  node(name: string, ...options: string[]): Promise<string> {
    const data = join(this.#grid.data, name)
    const place = ['--scheduler', this.#grid.url, '--name', name, '--data', data]
    return this.start(['exec-node', ...place, '--slots', '2', '--mem', '2G', ...options])
  }

  /** When that many nodes are up. */
  async up(count: number): Promise<void> {
    const isUp = async () => (await this.#grid.nodes()).filter(({ state }) => state === 'up')
    await until(async () => (await isUp()).length === count, { what: `${count} nodes` })
  }

  /** Several nodes: each must hold a lease with an end before it can run out. */
  async leasesEnd(): Promise<void> {
    const nodes = () => this.#grid.nodes()
    await until(async () => (await nodes()).every(({ lease }) => lease.includes('over in')), {
      what: 'leases with an end',
    })
  }

  get schedulerPid(): number {
    return this.pidIn('scheduler/scheduler.pid')
  }

  nodePid(name: string): number {
    return this.pidIn(`${name}/exec-node.pid`)
  }

  /** `path` is in the data folder of the grid. */
  pidIn(path: string): number {
    return Number(readFileSync(join(this.#grid.data, path), 'utf8'))
  }

  /** Ends all jobs, then what was started, the newest first. */
  async end(): Promise<void> {
    try {
      // A test that failed midway may have left none to stop them.
      if (!this.#hasScheduler()) await this.scheduler()
      await this.#grid.eg('stop', '--all', '--owner', '*', '--yes')
      const jobs = async () => (await this.#grid.jobs()).length
      await until(async () => (await jobs()) === 0, { what: 'the end of all jobs' })
    } finally {
      await this.endDaemons()
    }
  }

  #hasScheduler(): boolean {
    return (
      existsSync(join(this.#grid.data, 'scheduler/scheduler.pid')) && isAlive(this.schedulerPid)
    )
  }

  async endDaemons(): Promise<void> {
    for (const daemon of this.#started.reverse()) daemon.kill('SIGTERM')
    const isOver = ({ exitCode, signalCode }: ChildProcess) =>
      exitCode !== null || signalCode !== null
    await until(() => this.#started.every(isOver), { what: 'the daemons end' })
  }
}

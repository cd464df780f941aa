/** munged of a test: with a key, socket and folder of its own, ended by its pid. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { until } from './wait.ts'

const program = '/usr/sbin/munged'
/** Null, or why there can be no test with MUNGE here. */
export const noMunge: string | null =
  existsSync(program) && spawnSync('unmunge', ['--version']).status === 0
    ? null
    : 'MUNGE is not installed (Debian: apt install munge)'

export const aKey = (): Buffer => randomBytes(128)

export class Munged {
  readonly folder = mkdtempSync(join(tmpdir(), 'evergrid-munged-'))
  readonly socket = join(this.folder, 'socket')
  #daemon: ChildProcess | null = null

  /** Those with the same key believe each other's credentials. */
  static async start(key: Buffer): Promise<Munged> {
    const munged = new Munged()
    // It refuses a folder that clients cannot enter.
    chmodSync(munged.folder, 0o755)
    writeFileSync(join(munged.folder, 'key'), key, { mode: 0o600 })
    await munged.begin()
    return munged
  }

  async begin(): Promise<void> {
    const file = (name: string) => join(this.folder, name)
    const files = {
      socket: this.socket,
      'key-file': file('key'),
      'pid-file': file('pid'),
      'seed-file': file('seed'),
      'log-file': file('log'),
    }
    const args = Object.entries(files).map(([name, path]) => `--${name}=${path}`)
    const daemon = spawn(program, ['--foreground', '--force', '--num-threads=2', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    daemon.stderr.on('data', (part: Buffer) => (said += part.toString()))
    this.#daemon = daemon
    const answers = () => {
      if (daemon.exitCode !== null) throw new Error(`munged ended: ${said}`)
      return spawnSync('munge', ['--no-input', '--socket', this.socket]).status === 0
    }
    await until(answers, { what: 'munged' })
  }

  signal(signal: NodeJS.Signals): void {
    this.#daemon?.kill(signal)
  }

  /** The daemon alone; its folder stays. */
  async stop(): Promise<void> {
    const daemon = this.#daemon
    this.#daemon = null
    if (daemon === null) return
    const ended = new Promise((resolve) => daemon.once('exit', resolve))
    // One that was stopped takes no other signal.
    daemon.kill('SIGKILL')
    await ended
    rmSync(this.socket, { force: true })
    rmSync(`${this.socket}.lock`, { force: true })
  }

  async end(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A small machine (scripts/cgroup2-vm) that can lose power: what its kernel had not written to its disk is gone. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { until } from '../../support/wait.ts'
import { machineScript } from '../small-machine.ts'

const dist = fileURLToPath(new URL('../../../dist', import.meta.url))
/** Its processors are emulated, perhaps on a busy machine. */
export const bootMs = 400_000

/** Runs the command, and beside it, as root, whatever is put into the shared folder as `told`. */
const guest = `
share=$1; shift
"$@" > "$share/log" 2>&1 &
while :; do
  if [ -e "$share/told" ]; then bash "$share/told" > "$share/answer.new" 2>&1; rm "$share/told"; mv "$share/answer.new" "$share/answer"; fi
  sleep 0.3
done
`

export type MachineOptions = {
  folder: string
  name: string
  port?: number
  command: string[]
  /** Made from this one's disk, under the same paths: see `copyDisk`. */
  cloneOf?: Machine
}

export class Machine {
  /** Mounted there in the guest: survives, as far as it was synced. */
  readonly disk: string
  /** Written through to this machine at once. */
  readonly share: string
  readonly #options: MachineOptions
  readonly #image: string
  readonly #pidFile: string
  #script: ChildProcess | null = null

  constructor(options: MachineOptions) {
    this.#options = options
    const { folder, name, cloneOf } = options
    this.disk = cloneOf?.disk ?? join(folder, `${name}-disk`)
    this.share = join(folder, `${name}-share`)
    this.#image = join(folder, `${name}.img`)
    this.#pidFile = join(folder, `${name}.pid`)
    for (const path of [this.disk, this.share]) mkdirSync(path, { recursive: true })
  }

  /** Its disk before the first start; `fill` gets it mounted here. */
  format(fill: (path: string) => void): void {
    execFileSync('truncate', ['-s', '512M', this.#image])
    execFileSync('mkfs.ext4', ['-q', '-F', this.#image])
    execFileSync('mount', ['-o', 'loop', this.#image, this.disk])
    fill(this.disk)
    execFileSync('umount', [this.disk])
  }

  /** Of the machine that it is a clone of, as it is now: that one may be on. */
  copyDisk(): void {
    const from = this.#options.cloneOf
    if (from !== undefined) copyFileSync(from.#image, this.#image)
  }

  /** What its command has printed. */
  get said(): string {
    return readFileSync(join(this.share, 'log'), 'utf8')
  }

  start(): void {
    const { folder, name, port, command, cloneOf } = this.#options
    for (const old of [this.#pidFile, join(this.share, 'log')]) rmSync(old, { force: true })
    const flags = ['-m', '1024', '-c', '1', '-n', name, '-t', '7200', '-P', this.#pidFile]
    if (port !== undefined) flags.push('-p', String(port))
    if (cloneOf !== undefined) flags.push('-w', cloneOf.share)
    flags.push('-w', this.share, '-d', `${this.#image}:${this.disk}`)
    const log = openSync(join(folder, `${name}.log`), 'a')
    const argv = [...flags, '--', 'bash', '-c', guest, 'guest', this.share, ...command]
    this.#script = spawn(machineScript, argv, { stdio: ['ignore', log, log] })
    closeSync(log)
    this.#script.once('exit', () => (this.#script = null))
  }

  async losePower(): Promise<void> {
    process.kill(Number(readFileSync(this.#pidFile, 'utf8')), 'SIGKILL')
    await until(() => this.#script === null, { what: `the end of ${this.#options.name}` })
  }

  get isOn(): boolean {
    return this.#script !== null
  }

  /** Has a line of shell done in the guest; what it printed. */
  async tell(line: string): Promise<string> {
    const answer = join(this.share, 'answer')
    rmSync(answer, { force: true })
    writeFileSync(join(this.share, 'telling'), `${line}\n`)
    renameSync(join(this.share, 'telling'), join(this.share, 'told'))
    await until(() => existsSync(answer), { timeoutMs: 120_000, what: `an answer to: ${line}` })
    return readFileSync(answer, 'utf8')
  }

  /** What is in these files of its disk while it is off; null where there is no such file, or nothing in it. */
  filesOn(names: readonly string[]): (string | null)[] {
    execFileSync('mount', ['-o', 'loop', this.#image, this.disk])
    try {
      return names.map((name) => {
        const path = join(this.disk, name)
        return existsSync(path) ? readFileSync(path, 'utf8').trim() || null : null
      })
    } finally {
      execFileSync('umount', [this.disk])
    }
  }
}

export const daemon = (name: 'scheduler' | 'exec-node', ...flags: string[]): string[] => [
  process.execPath,
  join(dist, name, 'main.js'),
  ...flags,
]

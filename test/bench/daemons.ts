/** Daemons of the built product alone, in a temporary folder, and what the kernel says about them. */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { nodeFlagsOf } from '../../src/cli/daemons/entry.ts'
import { RawConnection } from './raw-http.ts'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))
/** For a look inside: `BENCH_PROFILE=DIR` writes a processor profile of each daemon there. */
const profile = process.env['BENCH_PROFILE']
/** Their logs are of use only where a row fails. */
const log = process.env['BENCH_LOG'] === undefined ? 'ignore' : 'inherit'

export function temporaryFolder(): { path: string; remove: () => void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'evergrid-bench-')))
  chmodSync(path, 0o755)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export type Process = { pid: number; stop: (signal?: NodeJS.Signals) => Promise<void> }

function processOf(child: ChildProcess): Process {
  return {
    pid: child.pid ?? 0,
    stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
      return new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.kill(signal)
      })
    },
  }
}

function startDaemon(
  daemon: 'scheduler' | 'exec-node',
  flags: readonly string[],
  env: Record<string, string> = {},
): ChildProcess {
  const look = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const argv = [...look, ...nodeFlagsOf(daemon), join(dist, daemon, 'main.js'), ...flags]
  return spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', log],
    env: { ...process.env, ...env },
  })
}

export type Scheduler = Process & {
  url: string
  data: string
  secret: string
  nodeSecret: string
  /** As the grid's own account, or with another secret. */
  connect: (bearer?: string) => Promise<RawConnection>
}

/** Resolves when it says that it is ready. */
export async function startScheduler(data: string): Promise<Scheduler> {
  const flags = ['--data', data, '--port', '0']
  if (process.getuid?.() === 0) flags.push('--allow-root-jobs')
  const child = startDaemon('scheduler', flags)
  const url = await readyLine(child)
  const read = (name: string) => readFileSync(join(data, name), 'utf8').trim()
  const secret = read('secret')
  const connect = (bearer = secret) => RawConnection.open(url, bearer)
  return { ...processOf(child), url, data, secret, nodeSecret: read('node-secret'), connect }
}

export function startExecNode(flags: readonly string[]): Process & { ready: Promise<string> } {
  const child = startDaemon('exec-node', flags)
  return { ...processOf(child), ready: readyLine(child) }
}

function readyLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.startsWith('ready')) resolve(line.slice('ready'.length).trim())
      })
    }
    child.once('exit', (code) => reject(new Error(`a daemon ended with ${code}`)))
  })
}

/** A program of the bench in a process of its own, that prints one line of JSON. */
export function program<T>(
  name: string,
  input: unknown,
  nodeFlags: readonly string[] = [],
): { process: Process; lines: AsyncGenerator<T> } {
  const path = fileURLToPath(new URL(`${name}.ts`, import.meta.url))
  const argv = [...nodeFlags, '--import', 'tsx', path, JSON.stringify(input)]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  async function* lines(): AsyncGenerator<T> {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as T
  }
  return { process: processOf(child), lines: lines() }
}

export async function nextLine<T>(lines: AsyncGenerator<T>): Promise<T> {
  const { value, done } = await lines.next()
  if (done) throw new Error('a program of the bench ended early')
  return value
}

/** Processor time that a process has used, in milliseconds. */
export function processorMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

export function residentBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1]) * 1024
}

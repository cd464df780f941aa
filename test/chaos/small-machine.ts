/** The machine of scripts/cgroup2-vm, as a place for a whole run: nothing that goes on in it touches this one. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const machineScript = fileURLToPath(new URL('../../scripts/cgroup2-vm', import.meta.url))
const project = fileURLToPath(new URL('../..', import.meta.url))

/** Fetches its kernel where there is none yet; it is kept. For who starts machines where there is no network. */
export function prepareMachine(): void {
  execFileSync(machineScript, ['-t', '300', '--', 'true'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
}

/** Runs a command there, in the folder of the project; its exit status, or 124 when `limitMs` are over. `folder` is shared with it. */
export function inSmallMachine(
  folder: string,
  command: string[],
  limitMs: number,
): Promise<number> {
  const pidFile = join(folder, 'machine.pid')
  const flags = ['-m', '3072', '-n', 'chaos', '-t', String(Math.ceil(limitMs / 1000))]
  const patient = ['env', 'EVERGRID_TEST_PATIENCE=4', ...command]
  const argv = [...flags, '-P', pidFile, '-w', folder, '--', ...patient]
  const child = spawn(machineScript, argv, {
    stdio: ['ignore', 'inherit', 'inherit'],
    cwd: project,
  })
  const switchOff = () => {
    const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0
    if (pid > 0) process.kill(pid, 'SIGKILL')
    else child.kill()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, switchOff)
  return new Promise((resolve) => {
    child.once('error', () => resolve(125))
    child.once('exit', (code) => resolve(code ?? 125))
  })
}

/** Runs a program as another account; only root can. */
import { spawn, type ChildProcess } from 'node:child_process'

export const isRoot = process.getuid?.() === 0
export const nobody = { name: 'nobody', uid: 65_534 }

export function spawnAs(
  uid: number,
  argv: readonly string[],
  env: Record<string, string> = {},
): ChildProcess {
  const ids = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
  return spawn('setpriv', [...ids, '--', ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...env },
  })
}

/** What it printed; throws with its errors when it fails. */
export async function outputAs(...of: Parameters<typeof spawnAs>): Promise<string> {
  const child = spawnAs(...of)
  let out = ''
  let err = ''
  child.stdout?.on('data', (part: Buffer) => (out += part.toString()))
  child.stderr?.on('data', (part: Buffer) => (err += part.toString()))
  const status = await new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  if (status !== 0) throw new Error(`${of[1].join(' ')} ended with ${status}: ${err}`)
  return out
}

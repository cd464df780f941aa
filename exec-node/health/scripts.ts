/** The operator's own probes: programs in `health.d`, run only where nobody else could have written them. */
import { execFile } from 'node:child_process'
import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { Reading } from '../core/health.ts'
import { unknown, type Probe } from './probe.ts'

const timeoutMs = 10_000

export async function scriptProbes(folder: string, limitMs = timeoutMs): Promise<Probe[]> {
  const names = await readdir(folder).catch(() => [])
  const trusted = await isTrusted(folder)
  return names
    .filter((name) => /^[\w][\w.-]*$/.test(name))
    .map((name) => ({
      name,
      threshold: 'exit 0 ok, 1 failing, 2 critical',
      async read() {
        const path = join(folder, name)
        if (!trusted || !(await isTrusted(path))) {
          return unknown('not run: others than root and the agent may write it')
        }
        return run(path, limitMs)
      },
    }))
}

async function isTrusted(path: string): Promise<boolean> {
  const own = new Set([0, process.getuid?.() ?? 0])
  const [link, target] = await Promise.all([lstat(path), stat(path)]).catch(() => [null, null])
  if (link === null || target === null) return false
  return own.has(link.uid) && own.has(target.uid) && (target.mode & 0o022) === 0
}

function run(path: string, limitMs: number): Promise<Reading> {
  return new Promise((resolve) => {
    const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
    const options = {
      timeout: limitMs,
      killSignal: 'SIGKILL',
      maxBuffer: 65_536,
      env,
      cwd: '/',
    } as const
    const child = execFile(path, options, (error, stdout) => {
      const value = (stdout.split('\n', 1)[0] ?? '').slice(0, 200)
      if (error === null) return resolve({ verdict: 'ok', value })
      if (error.killed === true) return resolve(unknown(`no answer within ${limitMs / 1000} s`))
      if (error.code === 1) return resolve({ verdict: 'failing', value })
      if (error.code === 2) return resolve({ verdict: 'critical', value })
      resolve(unknown(value === '' ? `ended with ${error.code ?? error.signal}` : value))
    })
    child.stdin?.end()
  })
}

/** Room and inodes left on the file systems that work stands on. */
import { execFile } from 'node:child_process'

import type { Reading } from '../core/health.ts'
import { below, type Probe } from './probe.ts'

const failing = 5
const critical = 1
const timeoutMs = 10_000

export type Room = { blocks: number; blocksFree: number; inodes: number; inodesFree: number }

export function diskProbes(name: string, path: string, ask = roomAt): Probe[] {
  const threshold = `failing below ${failing}% free, critical below ${critical}%`
  return [
    {
      name: `${name}-disk`,
      threshold,
      async read() {
        const { blocksFree, blocks } = await ask(path)
        return reading(blocksFree, blocks)
      },
    },
    {
      name: `${name}-inodes`,
      threshold,
      async read() {
        const { inodesFree, inodes } = await ask(path)
        // Some file systems count no inodes.
        if (inodes === 0) return { verdict: 'ok', value: 'not counted there' }
        return reading(inodesFree, inodes)
      },
    },
  ]
}

function reading(free: number, all: number): Reading {
  if (!(all > 0)) return { verdict: 'unknown', value: 'the file system does not tell its size' }
  const percent = (free / all) * 100
  return { verdict: below(percent, failing, critical), value: `${percent.toFixed(1)}% free` }
}

/** In a child: a home that hangs would hold a thread of ours for as long as it hangs. */
function roomAt(path: string): Promise<Room> {
  return new Promise((resolve, reject) => {
    const args = ['-f', '-c', '%a %b %d %c', '--', path]
    execFile('stat', args, { timeout: timeoutMs, killSignal: 'SIGKILL' }, (error, stdout) => {
      const [blocksFree, blocks, inodesFree, inodes] = stdout.trim().split(' ').map(Number)
      if (error !== null || inodes === undefined) {
        return reject(error ?? new Error(`stat told nothing of ${path}`))
      }
      resolve({
        blocksFree: blocksFree ?? 0,
        blocks: blocks ?? 0,
        inodesFree: inodesFree ?? 0,
        inodes,
      })
    }).unref()
  })
}

/** What a process does that has run out of descriptors, for real. */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

/** With no descriptor left to this process. */
export async function exhausted<T>(what: () => Promise<T>): Promise<T> {
  const limit = (soft: string) =>
    execFileSync('prlimit', ['--pid', `${process.pid}`, `--nofile=${soft}:`])
  const [, before = ''] =
    /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  const taken: number[] = []
  limit('256')
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    return await what()
  } finally {
    for (const file of taken) closeSync(file)
    limit(before)
  }
}

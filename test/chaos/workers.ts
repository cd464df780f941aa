/** Processes of the workload. */
import { readdirSync, readFileSync } from 'node:fs'

/** Those that live: `PID VERB FOLDER NAME …`. */
export function workersAlive(program: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words[0] === program ? [`${pid} ${words.slice(1).join(' ')}`.trim()] : []
      } catch {
        return []
      }
    })
}

/** Those of one job. */
export const workersOf = (program: string, name: string): string[] =>
  workersAlive(program).filter((line) => line.includes(` ${name} `) || line.endsWith(` ${name}`))

export function killWorkers(program: string, name: string): void {
  for (const line of workersOf(program, name)) {
    try {
      process.kill(Number(line.split(' ')[0]), 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
}

/** What jsub itself refuses: told on the terminal, and with its time in the job's error file, where people look for it. */
import { appendFileSync, chmodSync, closeSync, openSync } from 'node:fs'

import type { Terminal } from '../../terminal.ts'
import type { JsubJob } from './job.ts'

/** The lines are for the file as well as for the terminal; a file that cannot be written keeps nothing back. */
export function tell(terminal: Terminal, job: JsubJob, lines: readonly string[]): void {
  const text = lines.map((line) => `${line}\n`).join('')
  terminal.err(text)
  if (job.terminalOnly) return
  try {
    appendFileSync(job.request.err, text)
  } catch {
    // It was told on the terminal.
  }
}

export const refusal = (now: number, text: string): string => `[${timeOf(new Date(now))}] ${text}`

/** As asctime(3) has it: `Sun Nov 22 17:16:02 2026`. */
function timeOf(at: Date): string {
  const [weekday, month, , year] = at.toDateString().split(' ')
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  )
  return `${weekday} ${month} ${String(at.getDate()).padStart(2)} ${clock.join(':')} ${year}`
}

/** Both files are there before the job is, with the mode that was asked for; the sentence of a refusal. */
export function touchFiles({ request: { out, err }, fileMode }: JsubJob): string | null {
  for (const path of new Set([out, err])) {
    try {
      touch(path, fileMode)
    } catch (error) {
      return `Failed to touch '${path}': ${(error as Error).message}`
    }
  }
  return null
}

function touch(path: string, mode: number): void {
  try {
    closeSync(openSync(path, 'ax', mode))
    // Whatever the umask of whoever calls takes away.
    chmodSync(path, mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    closeSync(openSync(path, 'a'))
  }
}

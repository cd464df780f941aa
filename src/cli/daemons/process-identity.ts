/** Who a process is: its number alone may by now be another's. */
import { readFileSync } from 'node:fs'

export type Identity = { pid: number; boot: string; startTicks: string }

export function identityOf(pid: number): Identity | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command name may hold spaces and brackets: count fields after the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return null
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return { pid, boot, startTicks: fields[19] ?? '' }
  } catch {
    return null
  }
}

export function isRunning({ pid, boot, startTicks }: Identity): boolean {
  const found = identityOf(pid)
  return found !== null && found.boot === boot && found.startTicks === startTicks
}

/** The process in a daemon's pid file, if it still is that daemon: its command line names the folder. */
export function daemonIn(folder: string, pidFile: string): Identity | null {
  try {
    const pid = Number(readFileSync(`${folder}/${pidFile}`, 'latin1'))
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return argv.includes(folder) ? identityOf(pid) : null
  } catch {
    return null
  }
}

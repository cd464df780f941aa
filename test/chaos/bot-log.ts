/** What the bots have written about themselves: when each copy got the lock, and who came while another had it. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Uptimes in ms. `gapMs`: from the last beat of the copy before; null for the first. */
export type BotStart = { bot: string; run: string; pid: number; at: number; gapMs: number | null }
export type Double = { bot: string; run: string; pid: number; at: number }
export type BotLog = { starts: BotStart[]; doubles: Double[] }

export function readBotLog(work: string, bot: string): BotLog {
  const path = join(work, `${bot}.log`)
  const log: BotLog = { starts: [], doubles: [] }
  for (const line of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
    const [what, run = '', pid, at, , , before] = line.split(' ')
    const known = { bot, run, pid: Number(pid), at: Number(at) }
    if (what === 'double') log.doubles.push(known)
    if (what !== 'start') continue
    log.starts.push({ ...known, gapMs: Number(before) === 0 ? null : known.at - Number(before) })
  }
  return log
}

/** Uptime of its last beat; 0 if it never had one. */
export function lastBeat(work: string, bot: string): number {
  const path = join(work, `${bot}.beat`)
  return existsSync(path) ? Number(readFileSync(path, 'utf8').split(' ')[2]) || 0 : 0
}

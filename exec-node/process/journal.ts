/** Reads a shepherd's journal; native/journal.h says its lines. */
import { errorName } from './errno.ts'
import type { OutputMark } from './run-driver.ts'

export type Ladder = 'none' | 'time' | 'stop' | 'fence' | 'oom'

type Command = {
  pid: number
  startTicks: number
  wallMs: number
  uptimeMs: number
  marks: OutputMark[]
}

export type Journal = {
  shepherd: { pid: number; startTicks: number; bootId: string }
  /** About to be let go; whether it was, only `started` says, or that it lives while its shepherd does not. */
  told: Command | null
  started: Command | null
  failed: { call: string; error: string; wallMs: number; detail: string } | null
  exit: {
    code: number
    core: boolean
    wallMs: number
    by: Ladder
    rssBytes: number
    cpuMs: number
  } | null
  read: Map<string, string>
  empty: { wallMs: number; tmpRemoved: boolean } | null
}

/** Null when it is no journal: its first line is written whole or not at all. */
export function parseJournal(text: string): Journal | null {
  const lines = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1)
  const [word, pid, start, bootId] = lines[0]?.split(' ') ?? []
  if (word !== 'shepherd' || !Number(pid) || !Number(start) || !bootId) return null
  const journal: Journal = {
    shepherd: { pid: Number(pid), startTicks: Number(start), bootId },
    told: null,
    started: null,
    failed: null,
    exit: null,
    read: new Map(),
    empty: null,
  }
  return lines.slice(1).every((line) => readLine(journal, line)) ? journal : null
}

function readLine(journal: Journal, line: string): boolean {
  const words = line.split(' ')
  const number = (index: number) => Number(words[index])
  const rest = (index: number) => words.slice(index).join(' ')
  switch (words[0] ?? '') {
    case 'started': {
      journal.started = commandIn(words.slice(1))
      return journal.started !== null
    }
    case 'failed': {
      const error = errorName(number(2))
      journal.failed = { call: words[1] ?? '', error, wallMs: number(3), detail: rest(4) }
      return number(3) > 0
    }
    case 'exit': {
      const [code, core] = [number(1), words[2] === '1']
      const [rssBytes, cpuMs] = [number(6) * 1024, number(7)]
      journal.exit = {
        code,
        core,
        wallMs: number(3),
        by: (words[5] ?? 'none') as Ladder,
        rssBytes,
        cpuMs,
      }
      return Number.isInteger(code) && number(3) > 0
    }
    case 'read':
      if (words[1] === 'told') journal.told = commandIn(words.slice(2))
      journal.read.set(words[1] ?? '', rest(2))
      return true
    case 'empty':
      journal.empty = { wallMs: number(1), tmpRemoved: words[2] === '1' }
      return number(1) > 0
    default:
      return false
  }
}

function commandIn(words: readonly string[]): Command | null {
  const [pid = 0, startTicks = 0, wallMs = 0, uptimeMs = 0] = words.slice(0, 4).map(Number)
  const marks = [words[4], words[5]].map(markOf)
  return pid > 0 && wallMs > 0 ? { pid, startTicks, wallMs, uptimeMs, marks } : null
}

function markOf(word: string | undefined): OutputMark {
  const [inode, offset] = (word ?? '').split(':').map(Number)
  return { inode: inode ?? 0, offset: offset ?? 0 }
}

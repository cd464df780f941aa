/** Reads a shepherd's journal; native/journal.h says its lines. */
import { errorName } from './errno.ts'
import type { OutputMark } from './run-driver.ts'

export type Ladder = 'none' | 'time' | 'stop' | 'fence' | 'oom'

export type Journal = {
  shepherd: { pid: number; startTicks: number; bootId: string }
  started: {
    pid: number
    startTicks: number
    wallMs: number
    uptimeMs: number
    marks: OutputMark[]
  } | null
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
      const marks = [words[5], words[6]].map(markOf)
      journal.started = {
        pid: number(1),
        startTicks: number(2),
        wallMs: number(3),
        uptimeMs: number(4),
        marks,
      }
      return number(1) > 0 && number(3) > 0
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
      journal.read.set(words[1] ?? '', rest(2))
      return true
    case 'empty':
      journal.empty = { wallMs: number(1), tmpRemoved: words[2] === '1' }
      return number(1) > 0
    default:
      return false
  }
}

function markOf(word: string | undefined): OutputMark {
  const [inode, offset] = (word ?? '').split(':').map(Number)
  return { inode: inode ?? 0, offset: offset ?? 0 }
}

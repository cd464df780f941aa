/** A daemon that is started again whenever it ends unasked, with its output in a file. */
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

import { formatDuration } from '../../../proto/resources.ts'
import { FirstReady } from './first-ready.ts'

export type Program = {
  name: string
  logFile: string
  start: (logFile: number) => ChildProcess
}
export type Supervised = {
  /** Resolves with what stands after `ready` in its log; rejects if it ends with an exit status before that. */
  ready: Promise<string>
  /** Orderly: SIGTERM, SIGKILL only where that is ignored for long; its jobs go on in both cases. */
  stop(): Promise<void>
  killNow(): void
}

const leastPauseMs = 500
const longestPauseMs = 30_000
/** One that ran for so long begins again with the shortest pause. */
const healthyMs = 60_000
const stopMs = 30_000

type End = { how: string; bySignal: boolean }

/** `say` hears of each new start, and what it waits for until it is ready. */
export function supervise(program: Program, say: (line: string) => void): Supervised {
  let child: ChildProcess | null = null
  let stopping = false
  let pauseMs = leastPauseMs
  const cancelPause = new AbortController()
  const first = new FirstReady(program, say)

  const startOnce = (): Promise<End> => {
    const file = openLogFile(program.logFile)
    const from = statSync(program.logFile, { throwIfNoEntry: false })?.size ?? 0
    const started = program.start(file)
    closeSync(file)
    child = started
    first.begins(from)
    return new Promise((resolve) => {
      started.once('error', ({ message }) => resolve({ how: message, bySignal: false }))
      started.once('exit', (code, signal) =>
        resolve({ how: signal ?? `exit ${code ?? '?'}`, bySignal: signal !== null }),
      )
    })
  }

  let ended = startOnce()
  const watching = (async () => {
    for (let begun = performance.now(); ; begun = performance.now()) {
      const { how, bySignal } = await ended
      child = null
      first.look()
      // A start that ends of itself is told to the caller: trying again would only hide why.
      const isRefusal = !first.isReady && !bySignal
      if (stopping || isRefusal) return first.fails(how)
      pauseMs = performance.now() - begun > healthyMs ? leastPauseMs : pauseMs
      say(`${program.name} ended (${how}); it starts again in ${formatDuration(pauseMs)}`)
      await delay(pauseMs, undefined, { signal: cancelPause.signal }).catch(() => {})
      if (stopping) return first.fails(how)
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
      ended = startOnce()
    }
  })()

  return {
    ready: first.ready,
    async stop() {
      stopping = true
      cancelPause.abort()
      child?.kill('SIGTERM')
      const late = setTimeout(() => child?.kill('SIGKILL'), stopMs)
      await watching
      clearTimeout(late)
    },
    killNow() {
      stopping = true
      cancelPause.abort()
      child?.kill('SIGKILL')
    },
  }
}

/** A daemon starts also where its log cannot be written. */
function openLogFile(path: string): number {
  try {
    return openSync(path, 'a', 0o640)
  } catch {
    return openSync('/dev/null', 'w')
  }
}

/** A daemon that is started again whenever it ends unasked, with its output in a file. */
import type { ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

import { formatDuration } from '../../../proto/resources.ts'
import { CommandError } from '../command.ts'

export type Program = {
  name: string
  logFile: string
  start: (logFile: number) => ChildProcess
}
export type Supervised = {
  /** Resolves with what stands after `ready` in its log; rejects if its first start fails. */
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
const readyEveryMs = 20

export function supervise(program: Program, say: (line: string) => void): Supervised {
  let child: ChildProcess | null = null
  let stopping = false
  let pauseMs = leastPauseMs
  const cancelPause = new AbortController()

  const startOnce = (): { from: number; ended: Promise<string> } => {
    const file = openLogFile(program.logFile)
    const from = statSync(program.logFile, { throwIfNoEntry: false })?.size ?? 0
    const started = program.start(file)
    closeSync(file)
    child = started
    const ended = new Promise<string>((resolve) => {
      started.once('error', (error) => resolve(error.message))
      started.once('exit', (code, signal) => resolve(signal ?? `exit ${code ?? '?'}`))
    })
    return { from, ended }
  }

  const first = startOnce()
  const ready = untilReady(program, first)
  const watching = (async () => {
    let { ended } = first
    // A first start that fails is told to the caller: trying again would only hide why.
    const came = await ready.then(
      () => true,
      () => false,
    )
    if (!came) return
    for (let begun = performance.now(); ; begun = performance.now()) {
      const how = await ended
      child = null
      if (stopping) return
      pauseMs = performance.now() - begun > healthyMs ? leastPauseMs : pauseMs
      say(`${program.name} ended (${how}); it starts again in ${formatDuration(pauseMs)}`)
      await delay(pauseMs, undefined, { signal: cancelPause.signal }).catch(() => {})
      if (stopping) return
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
      ended = startOnce().ended
    }
  })()

  return {
    ready,
    async stop() {
      stopping = true
      cancelPause.abort()
      child?.kill('SIGTERM')
      const late = setTimeout(() => child?.kill('SIGKILL'), stopMs)
      await watching
      clearTimeout(late)
    },
    killNow: () => void child?.kill('SIGKILL'),
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

async function untilReady(
  { name, logFile }: Program,
  { from, ended }: { from: number; ended: Promise<string> },
): Promise<string> {
  const over: { how?: string } = {}
  void ended.then((how) => {
    over.how = how
  })
  for (;;) {
    const text = (existsSync(logFile) ? readFileSync(logFile) : Buffer.alloc(0))
      .subarray(from)
      .toString('utf8')
    const line = /^ready ?(.*)$/m.exec(text)
    if (line) return line[1] ?? ''
    if (over.how !== undefined) {
      const last = text.trim().split('\n').slice(-3).join('\n    ')
      throw new CommandError(`${name} could not start (${over.how}): ${last}`, {
        hint: `its log is ${logFile}`,
      })
    }
    await delay(readyEveryMs)
  }
}

/** What both daemons do as processes: a pid file, an orderly end, no end with the terminal. */
import { renameSync, rmSync, writeFileSync, readFileSync } from 'node:fs'

/** Written by rename, so that a reader never sees half a number. Where nothing can be written there is none. */
export function writePidFile(path: string): void {
  try {
    writeFileSync(`${path}.new`, `${process.pid}\n`)
    renameSync(`${path}.new`, path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!['EROFS', 'ENOSPC', 'EDQUOT'].includes(code)) throw error
  }
}

/** Removes it only while it is ours: a successor may have written its own. */
export function removePidFile(path: string): void {
  try {
    if (Number(readFileSync(path, 'latin1')) === process.pid) rmSync(path)
  } catch {
    // Gone already.
  }
}

/**
 * Calls `stop` once at SIGTERM or SIGINT and ends the process when it is done; a second signal ends it at once.
 * SIGHUP is ignored: a closing terminal ends nobody's grid.
 */
export function endOnSignal(stop: () => Promise<void>): void {
  // Output that nobody takes, or for which there is no room, ends nobody's grid either.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  let stopping = false
  const end = (): void => {
    if (stopping) process.exit(1)
    stopping = true
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(
          `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
        )
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  process.on('SIGHUP', () => {})
}

/** Why a daemon could not start, in words that say what to do. */
export function startProblem(error: unknown): string {
  const { code, port, address, message } = error as NodeJS.ErrnoException & {
    port?: number
    address?: string
  }
  if (code === 'EADDRINUSE')
    return `something listens on port ${port} of ${address} already: use that grid, or take another port with --port`
  if (code === 'EACCES' && port !== undefined)
    return `this account may not listen on port ${port}: take one from 1024 on with --port`
  return message ?? String(error)
}

/** The daemons as programs of their own: where their entry files are, and how one is started. */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type Daemon = 'scheduler' | 'exec-node'
/** Runs beside a scheduler, or without one. */
type Program = Daemon | 'scheduler/database'

/** From source (.ts, run by the same loader) and from dist (.js) alike. */
export function entryOf(program: Program): string {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`../../../${program}/main.${ending}`, import.meta.url))
}

/** A small nursery: what a submit leaves behind is one long-lived job, and room for garbage is memory held for good. */
export const nodeFlagsOf = (daemon: Daemon): readonly string[] =>
  daemon === 'scheduler' ? ['--max-semi-space-size=1'] : []

/**
 * In a session of its own: a terminal's Ctrl-C and its closing reach `eg` alone, which ends the daemon in order.
 */
export function startDaemon(
  daemon: Daemon,
  flags: readonly string[],
  stdio: StdioOptions,
): ChildProcess {
  const argv = [...process.execArgv, ...nodeFlagsOf(daemon), entryOf(daemon), ...flags]
  return spawn(process.execPath, argv, { stdio, detached: true })
}

/** What was not said, or is false, is no flag. */
export function flagsOf(said: Record<string, string | number | boolean | undefined>): string[] {
  return Object.entries(said).flatMap(([name, value]) => {
    if (value === undefined || value === false) return []
    return value === true ? [`--${name}`] : [`--${name}`, String(value)]
  })
}

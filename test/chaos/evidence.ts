/** What one-off tasks have written about themselves: native/worker.c says in which files. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A run that said that it began. `run`: `JOB.TASK.EPOCH.RUN`. `at`: uptime in ms. */
export type Begun = { run: string; at: number }
/** An addition to a counter: what it became, and which task added. */
export type Counted = { value: number; task: number }
/** A due time as the task was told it (`-`: it was told none), by which run. */
export type Due = { due: string; run: string }

/** What is wrong, in sentences, and of that what was never done and what was done once too often. */
export type Found = { faults: string[]; lost: number; twice: number }

export const begunOf = (work: string, name: string): Begun[] =>
  linesOf(work, `${name}.lines`).map(([run = '', , at]) => ({ run, at: Number(at) }))

export const countedOf = (work: string, name: string): Counted[] =>
  linesOf(work, `${name}.count`).map(([value, task]) => ({
    value: Number(value),
    task: Number(task),
  }))

export const duesOf = (work: string, name: string): Due[] =>
  linesOf(work, `${name}.due`).map(([due = '', run = '']) => ({ due, run }))

export const jobOf = (run: string): number => Number(run.split('.')[0])
export const taskOf = (run: string): number => Number(run.split('.')[1])

export const twiceIn = (keys: readonly string[]): string[] =>
  keys.filter((key, at) => keys.indexOf(key) !== at)

function linesOf(work: string, file: string): string[][] {
  const path = join(work, file)
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
  return lines.filter((line) => line !== '').map((line) => line.split(' '))
}

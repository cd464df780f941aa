/** The scenario `power`: machines of their own, which lose power and whose clocks are set. Emulated, and slow. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { Random } from '../../sim/random.ts'
import { Figures } from '../figures.ts'
import { tormentClonedMachine } from './cloned-machine.ts'
import { tormentNodeMachine } from './node-machine.ts'
import { tormentSchedulerMachine } from './scheduler-machine.ts'

export type Power = {
  folder: string
  random: Random
  /** Power losses of the scheduler's machine. */
  rounds: number
  tell(line: string): void
  injected(kind: string): void
  gap(kind: string, ms: number): void
  acknowledged(count: number): void
  broken(line: string): void
  lost(line: string): void
  double(line: string): void
}

export async function runPower(options: {
  folder: string
  seed: number
  rounds: number
  /** Of `scheduler`, `node` and `clone`: whose machine. */
  only: RegExp
}): Promise<{ broken: string[]; report: string }> {
  const figures = new Figures()
  const broken: string[] = []
  const counts = { acknowledged: 0, lost: 0, double: 0 }
  const began = performance.now()
  const tell = (line: string) => {
    const at = ((performance.now() - began) / 1000).toFixed(1).padStart(7)
    process.stdout.write(`${at} s  ${line}\n`)
  }
  const breaks = (line: string) => {
    broken.push(line)
    tell(`BROKEN: ${line}`)
  }
  mkdirSync(join(options.folder, 'log'), { recursive: true })
  const power: Power = {
    folder: options.folder,
    random: new Random(options.seed),
    rounds: options.rounds,
    tell,
    injected: (kind) => figures.injected(kind),
    gap: (kind, ms) => figures.gap(kind, ms),
    acknowledged: (count) => (counts.acknowledged += count),
    broken: breaks,
    lost(line) {
      counts.lost += 1
      breaks(line)
    },
    double(line) {
      counts.double += 1
      breaks(line)
    },
  }
  const parts = {
    scheduler: tormentSchedulerMachine,
    node: tormentNodeMachine,
    clone: tormentClonedMachine,
  }
  for (const [part, torment] of Object.entries(parts)) {
    if (options.only.test(part)) await torment(power)
  }
  const { acknowledged, lost, double } = counts
  const report = [
    figures.table(),
    '',
    `jobs acknowledged: ${acknowledged}`,
    `lost: ${lost}`,
    `double runs: ${double}`,
  ]
  return { broken, report: report.join('\n') }
}

/** `npm run sim -- --seed N [--steps N] [--nodes N]`, or `--seeds N [--from N] [--jobs N]` for many, in so many processes. */
import { fork } from 'node:child_process'
import { parseArgs } from 'node:util'

import { simulate, usual, type SimResult } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    /** One of so many processes takes every so-many-th seed. */
    every: { type: 'string' },
    steps: { type: 'string', default: String(usual.steps) },
    nodes: { type: 'string', default: String(usual.nodes) },
    /** With named resources, and jobs that ask for them. */
    scarce: { type: 'boolean', default: false },
  },
})
const { steps, nodes } = { steps: Number(values.steps), nodes: Number(values.nodes) }
const { scarce: hasScarce } = values

function tell({ seed, broken, timeline }: Pick<SimResult, 'seed' | 'broken' | 'timeline'>): void {
  const again = `npm run sim -- --seed ${seed} --steps ${steps} --nodes ${nodes}${hasScarce ? ' --scarce' : ''}`
  console.log([...timeline.slice(-80), '', `seed ${seed}: ${broken}`, `again: ${again}`].join('\n'))
  process.exitCode = 1
}

/** Whose story it is that an error which nobody took belongs to: without it a run of many ends and does not say where. */
let present = 0
process.on('unhandledRejection', (error) => {
  tell({
    seed: present,
    broken: `nobody took ${String(error)}`,
    timeline: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
  })
  process.exit(1)
})

async function one(seed: number): Promise<void> {
  present = seed
  const result = await simulate({ seed, steps, nodes, hasScarce })
  if (result.broken !== null) return tell(result)
  const { events, virtualMs, jobs, hash } = result
  const faults = Object.values(result.faults).reduce((sum, count) => sum + count, 0)
  console.log(
    `seed ${seed} held: ${faults} faults, ${jobs} jobs, ${events} events in ${Math.round(virtualMs / 1000)} s, trace ${hash}`,
  )
}

async function some(first: number, count: number, every: number): Promise<void> {
  for (let seed = first; seed < first + count; seed += every) {
    present = seed
    const result = await simulate({ seed, steps, nodes, hasScarce })
    if (result.broken !== null) tell(result)
  }
}

async function many(first: number, count: number, workers: number): Promise<void> {
  const ends = Array.from({ length: workers }, (_, nth) => {
    const share = [
      '--from',
      String(first + nth),
      '--seeds',
      String(count - nth),
      '--every',
      String(workers),
    ]
    const scarce = hasScarce ? ['--scarce'] : []
    const rest = ['--steps', String(steps), '--nodes', String(nodes), ...scarce]
    const child = fork(new URL(import.meta.url), [...share, ...rest])
    return new Promise<number>((resolve) => {
      child.once('exit', (code) => resolve(code ?? 1))
    })
  })
  const codes = await Promise.all(ends)
  const broken = codes.some((code) => code !== 0)
  console.log(
    `seeds ${first} to ${first + count - 1}: ${broken ? 'BROKEN, see above' : 'all promises held'}`,
  )
  if (broken) process.exitCode = 1
}

const first = Number(values.from)
const count = Number(values.seeds)
if (values.seed !== undefined) await one(Number(values.seed))
else if (values.every !== undefined) await some(first, count, Number(values.every))
else await many(first, count, Number(values.jobs))

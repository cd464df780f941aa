/** `npm run sim -- --seed N [--steps N] [--nodes N]`, or `--seeds N [--from N]` for many of them. */
import { parseArgs } from 'node:util'

import { simulate, usual, type SimResult } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string' },
    steps: { type: 'string' },
    nodes: { type: 'string' },
  },
})
const steps = Number(values.steps ?? usual.steps)
const nodes = Number(values.nodes ?? usual.nodes)

function tell(result: SimResult): void {
  for (const line of result.timeline.slice(-120)) console.log(line)
  console.log(`\nseed ${result.seed}: ${result.broken}`)
  console.log(`again: npm run sim -- --seed ${result.seed} --steps ${steps} --nodes ${nodes}`)
}

const from = Number(values.seed ?? values.from ?? 1)
const count = values.seed === undefined ? Number(values.seeds ?? 100) : 1
for (let seed = from; seed < from + count; seed += 1) {
  const result = await simulate({ seed, steps, nodes })
  if (result.broken !== null) {
    tell(result)
    process.exitCode = 1
  }
  if (values.seed !== undefined)
    console.log(
      `seed ${seed}: ${result.events} events, ${Math.round(result.virtualMs / 1000)} s, ${result.jobs} jobs, trace ${result.hash}`,
    )
}

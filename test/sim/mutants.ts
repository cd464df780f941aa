/** `npm run sim:mutants [-- --seeds N --from N --only NAME]`: how many of so many seeds catch each mutant; all must be caught. */
import { fork } from 'node:child_process'
import { parseArgs } from 'node:util'

import { mutants } from './mutant-list.ts'
import { simulate, usual } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    only: { type: 'string' },
    /** Of one mutant, in a process of its own. */
    one: { type: 'string' },
  },
})
const seeds = Number(values.seeds)
const first = Number(values.from)
type Count = { caught: number; how: string }

async function count(name: string): Promise<Count> {
  const { mutant } = mutants[name] ?? {}
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`)
  const found: Count = { caught: 0, how: '' }
  for (let seed = first; seed < first + seeds; seed += 1) {
    const { broken } = await simulate({ seed, ...usual, mutant })
    if (broken === null) continue
    found.caught += 1
    if (found.caught === 1) found.how = `seed ${seed}: ${broken.split('\n')[0]?.slice(0, 100)}`
  }
  return found
}

function countApart(name: string): Promise<Count> {
  return new Promise((resolve, reject) => {
    const which = ['--seeds', String(seeds), '--from', String(first)]
    const child = fork(new URL(import.meta.url), ['--one', name, ...which])
    child.once('message', (found) => resolve(found as Count))
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)))
  })
}

/** Rows of the table in docs/testing.md. */
async function table(names: string[]): Promise<void> {
  console.log(`| mutant | what is broken | caught by, of ${seeds} seeds |\n|---|---|---|`)
  const left = [...names]
  const worker = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const { caught, how } = await countApart(name)
      console.log(`| \`${name}\` | ${mutants[name]?.what} | ${caught} |`)
      console.error(`  ${name}: ${how}`)
      if (caught === 0) process.exitCode = 1
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker))
}

if (values.one !== undefined) process.send?.(await count(values.one))
else
  await table(
    Object.keys(mutants).filter((name) => values.only === undefined || name === values.only),
  )

/** `npm run sim:mutants [-- --seeds N]`: how many of so many seeds catch each mutant; all must be caught. */
import { parseArgs } from 'node:util'

import { mutants } from './mutant-list.ts'
import { simulate, usual } from './simulation.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '20' }, only: { type: 'string' } },
})
const seeds = Number(values.seeds)

for (const [name, { what, mutant }] of Object.entries(mutants)) {
  if (values.only !== undefined && values.only !== name) continue
  let caught = 0
  let how = ''
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { broken } = await simulate({ seed, ...usual, mutant })
    if (broken === null) continue
    caught += 1
    if (how === '') how = `seed ${seed}: ${broken.split('\n')[0]?.slice(0, 100)}`
  }
  if (caught === 0) process.exitCode = 1
  console.log(`${name.padEnd(20)} ${String(caught).padStart(4)} of ${seeds}  ${what}\n    ${how}`)
}

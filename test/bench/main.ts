/** `npm run bench [-- [--json] ROW…]`: measures the rows of the budgets and prints them beside what was found. */
import { measureAdoption } from './adoption.ts'
import { measureLatency } from './latency.ts'
import { measureDeletion, measureFirstPage, measureList } from './lists.ts'
import { machineLine } from './machine.ts'
import { measureMemory } from './memory.ts'
import { measureNewcomer } from './newcomer.ts'
import { measurePlacement } from './placement-row.ts'
import { measureRestart } from './restart.ts'
import { measureRetention } from './retention.ts'
import { say, seconds, type Line, type Row } from './row.ts'
import { measureSchedules } from './schedules.ts'
import { measureReports, measureStarts } from './simulated.ts'
import { measureArrays, measureSubmits } from './submits.ts'
import { measureTrueJobs } from './true-jobs.ts'

const rows: Row[] = [
  { name: 'latency', measure: measureLatency },
  { name: 'submits', measure: measureSubmits },
  { name: 'arrays', measure: measureArrays },
  { name: 'true', measure: measureTrueJobs },
  { name: 'starts', measure: measureStarts },
  { name: 'placement', measure: measurePlacement },
  { name: 'newcomer', measure: measureNewcomer },
  { name: 'reports', measure: measureReports },
  { name: 'restart', measure: measureRestart },
  { name: 'adoption', measure: measureAdoption },
  { name: 'schedules', measure: measureSchedules },
  { name: 'list', measure: measureList },
  { name: 'first-page', measure: measureFirstPage },
  { name: 'deletion', measure: measureDeletion },
  { name: 'retention', measure: measureRetention },
  { name: 'memory', measure: measureMemory },
]

// One owner makes all the load; its limits are not what is measured.
process.env['EVERGRID_QUOTA'] ??= 'requests=none,schedules=none,jobs=none'

const json = process.argv.includes('--json')
const named = process.argv.slice(2).filter((argument) => argument !== '--json')
const unknown = named.filter((name) => !rows.some((row) => row.name === name))
if (unknown.length > 0) {
  console.error(
    `no row ${unknown.join(', ')}; there are ${rows.map(({ name }) => name).join(', ')}`,
  )
  process.exit(2)
}

const machine = machineLine()
const lines: Line[] = []
for (const { name, measure } of rows) {
  if (named.length > 0 && !named.includes(name)) continue
  const from = performance.now()
  console.error(`${name} …`)
  try {
    lines.push(...(await measure()))
  } catch (error) {
    lines.push({ what: name, budget: '', measured: `failed: ${String(error)}`, good: null })
  }
  say(seconds(performance.now() - from))
}

const verdict = ({ good }: Line) => (good === null ? '-' : good ? 'ok' : 'short')
if (json) console.log(JSON.stringify({ machine, lines }, null, 2))
else {
  console.log(`${machine}\n\n| what | budget | measured | |\n|---|---|---|---|`)
  for (const line of lines) {
    console.log(`| ${line.what} | ${line.budget} | ${line.measured} | ${verdict(line)} |`)
  }
}
process.exitCode = lines.some(({ measured }) => measured.startsWith('failed')) ? 1 : 0

/**
 * `npm run chaos -- [--minutes N] [--seed N] [--edges] [--keep] [--only PATTERN] [--usual-leases]`, or `--scenario power|netem`: torments real daemons and real processes on this
 * machine, and says which promises held. The seed decides which faults come in which order; when processes run is
 * the machine's affair, so a seed repeats the plan and not the run.
 */
import { cpSync, lstatSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import {
  clearCgroups,
  enclosed,
  enclosureProblem,
  endStrays,
  makeFolder,
  removeFolder,
} from './enclosure.ts'
import { databaseFaults } from './faults/database.ts'
import type { Fault } from './faults/fault.ts'
import { netemFaults } from './faults/netem.ts'
import { networkFaults } from './faults/network.ts'
import { processFaults } from './faults/processes.ts'
import { resourceFaults } from './faults/resources.ts'
import { restoreFaults } from './faults/restore.ts'
import { nodeNames, type Place } from './grid.ts'
import { useEmulatedPace, useUsualLeases } from './pace.ts'
import { hereNodes } from './power/node-grid.ts'
import { runPower } from './power/power.ts'
import { runChaos } from './run.ts'
import { inSmallMachine, prepareMachine } from './small-machine.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    /** Only faults whose kind fits this regular expression; of `power`: `scheduler`, `node` or `clone`. */
    only: { type: 'string', default: '' },
    /**
     * `faults`: on this machine; `netem`: in a small machine, whose kernel makes links bad; `power`: small machines that
     * lose power, without a limit of time.
     */
    scenario: { type: 'string', default: 'faults' },
    /** Of `power`: how often the scheduler's machine loses power. */
    rounds: { type: 'string', default: '3' },
    /** Leases of the default lengths (300 s), not of 20 s. */
    'usual-leases': { type: 'boolean', default: false },
    /** In the end also shows what breaks the promise of one copy, as docs/guarantees.md says. */
    edges: { type: 'boolean', default: false },
    /** Folder and logs stay. */
    keep: { type: 'boolean', default: false },
    /** Set by the program itself, for its part within the enclosure. */
    inside: { type: 'string' },
    loose: { type: 'boolean', default: false },
  },
})
const usual = [
  ...processFaults,
  ...networkFaults,
  ...resourceFaults,
  ...databaseFaults,
  ...restoreFaults,
]
const only = new RegExp(values.only)
const ofScenario = values.scenario === 'netem' ? netemFaults : usual
const faults: readonly Fault[] = ofScenario.filter(({ kind }) => only.test(kind))

const say = (line: string) => process.stdout.write(`${line}\n`)

async function inside(folder: string): Promise<number> {
  process.env['XDG_STATE_HOME'] = `${folder}/state`
  process.env['EVERGRID_DATA'] = folder
  if (values['usual-leases']) useUsualLeases()
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
  const { broken, report } =
    values.scenario === 'power'
      ? await runPower({ folder, seed, rounds: Number(values.rounds), only })
      : await runChaos({ folder, place, minutes, seed, faults, edges: values.edges })
  say(`\n${report}`)
  say(broken.length === 0 ? 'promises broken: none' : `promises broken: ${broken.length}`)
  for (const line of broken) say(`  ${line}`)
  return broken.length === 0 ? 0 : 1
}

/** Its files lie in the memory of the machine; `shared` gets them where somebody may want to look for a cause. */
async function insideMachine(shared: string): Promise<number> {
  useEmulatedPace()
  const folder = makeFolder()
  const status = await inside(folder).catch(failed)
  // The machine may make no special files here.
  const filter = (path: string) => !lstatSync(path).isFIFO()
  if (values.keep || status !== 0) cpSync(folder, join(shared, 'run'), { recursive: true, filter })
  return status
}

const self = [process.execPath, '--import', 'tsx', 'test/chaos/main.ts', ...process.argv.slice(2)]

async function outside(): Promise<number> {
  const problem = enclosureProblem()
  if (values.scenario === 'power') {
    if (problem !== null) throw new Error(`machines of our own need namespaces: ${problem}`)
    say(`chaos: loss of power, seed ${values.seed}`)
    // Here there is a network to fetch their kernel with.
    prepareMachine()
  } else say(`chaos: ${values.minutes} minutes, seed ${values.seed}`)
  if (problem !== null)
    say(`no namespaces of our own (${problem}): no faults of network and file systems`)
  const folder = makeFolder()
  const mode = problem === null ? [] : ['--loose']
  let status = 125
  try {
    status = await enclosed(folder, [...self, '--inside', folder, ...mode], problem)
  } finally {
    if (problem !== null) endStrays(folder)
    const left = clearCgroups(folder, [...nodeNames, ...Object.values(hereNodes)])
    // A run that failed itself has stopped nobody's work.
    const asItShould = status < 2
    if (left.length > 0 && asItShould)
      say(`cgroups that could not be removed, or held a run: ${left.join(', ')}`)
    // Whoever looks for the cause needs what the daemons said.
    keepOrRemove(folder, status)
    if (left.length > 0 && status === 0) status = 1
  }
  return status
}

/** Boot, start, the last fault and the end of all work are beyond the minutes that were asked for. */
const machineExtraMs = 1_200_000

async function outsideMachine(): Promise<number> {
  say(`chaos: netem, ${values.minutes} minutes, seed ${values.seed}`)
  const folder = makeFolder()
  const limitMs = Number(values.minutes) * 60_000 + machineExtraMs
  const status = await inSmallMachine(folder, [...self, '--inside', folder], limitMs)
  keepOrRemove(folder, status)
  return status
}

function keepOrRemove(folder: string, status: number): void {
  if (values.keep || status !== 0) say(`kept: ${folder}`)
  else removeFolder(folder)
}

/** 0: all promises held; 1: one was broken; 3: the run itself failed and says nothing of them. */
const failedItself = 3

function failed(error: unknown): number {
  say(`the run itself failed: ${error instanceof Error ? error.stack : String(error)}`)
  return failedItself
}

const isNetem = values.scenario === 'netem'
const place: Place = isNetem ? 'machine' : values.loose ? 'loose' : 'enclosed'
const parts = isNetem ? { outside: outsideMachine, inside: insideMachine } : { outside, inside }

process.exitCode = await (
  values.inside === undefined ? parts.outside() : parts.inside(values.inside)
).catch(failed)
if (values.inside !== undefined) process.exit()

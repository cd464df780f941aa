/** One whole grid from one seed: built, troubled, watched, and at last left in peace. */
import { checkAgreement } from './agreement.ts'
import { Broken } from './broken.ts'
import { Client } from './client.ts'
import { Databases } from './databases.ts'
import { Disk } from './disk.ts'
import { Faults } from './faults.ts'
import { checkHistory } from './ledger.ts'
import { Network } from './network.ts'
import { NodeHost, type NodeWiring } from './node-host.ts'
import { People } from './people.ts'
import { Promises } from './promises.ts'
import { Random } from './random.ts'
import { defineScarce } from './scarce.ts'
import { SchedulerHost, type SchedulerWiring } from './scheduler-host.ts'
import { asked, settleAll } from './settling.ts'
import { Twins } from './twins.ts'
import { World } from './world.ts'

export type SimOptions = {
  seed: number
  /** Things that people do or that go wrong. */
  steps: number
  nodes: number
  /** Whether the database lies in files; where left out, the seed says. */
  isOnDisk?: boolean
  /** Whether there are named resources, and jobs that ask for them. */
  hasScarce?: boolean
  /** Broken on purpose. */
  mutant?: { scheduler?: SchedulerWiring; node?: NodeWiring }
}

export type SimResult = {
  seed: number
  broken: string | null
  hash: string
  events: number
  virtualMs: number
  faults: Record<string, number>
  jobs: number
  timeline: readonly string[]
}

export const usual = { steps: 60, nodes: 3 }
const auditEveryEvents = 400
/** Files cost several times what memory does. */
const onDiskEvery = 4

export async function simulate(options: SimOptions): Promise<SimResult> {
  const grid = build(options)
  const { world, promises, faults, people, disk } = grid
  let broken: string | null = null
  try {
    await play(grid, options)
    checkHistory(grid, !faults.clockStepped)
    promises.checkBook()
  } catch (error) {
    broken = error instanceof Broken ? error.message : String((error as Error).stack ?? error)
    world.note(`BROKEN: ${broken}`)
  } finally {
    disk.close()
  }
  return {
    seed: options.seed,
    broken,
    hash: world.traceHash(),
    events: world.events,
    virtualMs: world.now,
    faults: faults.counts,
    jobs: people.jobs.size,
    timeline: world.lines,
  }
}

type Grid = ReturnType<typeof build>

function build({
  seed,
  nodes: count,
  isOnDisk = seed % onDiskEvery === 0,
  mutant = {},
}: SimOptions) {
  const random = new Random(seed)
  const world = new World(random.fork())
  const network = new Network(world, random.fork())
  const disk = new Disk(world, random.fork(), isOnDisk)
  const drift = random.fork()
  const ppm = () => drift.between(-100, 100)
  const scheduler = new SchedulerHost(world, disk, ppm(), mutant.scheduler ?? {})
  const nodes = Array.from({ length: count }, (_, nth) => {
    const shape = { slots: drift.int(4, 8), memBytes: 64 * 2 ** 30, driftPpm: ppm() }
    const around = { network, scheduler, random: random.fork(), wiring: mutant.node ?? {} }
    return new NodeHost(`node${nth + 1}`, shape, around)
  })
  const client = new Client(network, scheduler)
  const people = new People(world, random.fork(), client, nodes)
  const promises = new Promises({ world, scheduler, nodes, people })
  const twins = new Twins(nodes, random.fork(), network)
  const databases = new Databases(scheduler, people, promises)
  const around = { world, network, scheduler, nodes, twins, databases, people }
  const faults = new Faults({ ...around, random: random.fork() })
  return { world, random, network, disk, scheduler, nodes, people, client, faults, promises }
}

async function play(
  grid: Grid,
  { steps, hasScarce = false }: Pick<SimOptions, 'steps' | 'hasScarce'>,
): Promise<void> {
  const { world, scheduler, nodes, people, client, faults, promises, random } = grid
  let problem: string | null = null
  scheduler.onProblem = (what) => {
    problem ??= what
  }
  world.onStep = (process) => {
    if (problem !== null) throw new Broken(problem)
    promises.check(process)
  }
  let audited = 0
  const advance = async (ms: number): Promise<void> => {
    await world.run(world.now + ms)
    if (world.events - audited < auditEveryEvents) return
    promises.checkBook()
    if (await checkAgreement(grid)) audited = world.events
  }
  for (const node of nodes) node.onRunGone = (key, cause) => promises.checkEnd(key, cause)
  scheduler.start()
  for (const node of nodes) world.after(random.between(0, 3_000), null, () => node.startAgent())
  await advance(5_000)
  people.asksForScarce = hasScarce
  if (hasScarce)
    await asked(
      defineScarce(
        client,
        nodes.map(({ name }) => name),
      ),
      advance,
    )
  for (let step = 0; step < steps; step += 1) {
    if (random.chance(0.5)) faults.strike()
    else people.act()
    await advance(random.chance(0.3) ? random.delay(300) : random.delay(9_000))
  }
  world.note('the faults are over')
  faults.end()
  await settleAll(grid, advance)
}

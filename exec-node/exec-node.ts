/** Wiring of the exec-node: the real machine, disk, network and clock behind the agent's ports. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type http from 'node:http'

import type { Refusal } from '../proto/errors.ts'
import type { NodeFacts } from '../proto/node.ts'
import { provenAgent } from '../src/client/prove-scheduler.ts'
import type { Clock } from '../src/lib/clock.ts'
import { openLog, type Log } from '../src/lib/log.ts'
import { packageVersion } from '../src/lib/package-version.ts'
import { realClock } from '../src/lib/real-clock.ts'
import { startAgent, type Agent } from './agent.ts'
import { outputSource } from './ask.ts'
import { httpChecker } from './check-http.ts'
import { takeDataFolder, thisMachine } from './data-folder.ts'
import { openSpool } from './disk-spool.ts'
import { skewMeter, type SkewMeter } from './health/clock-skew.ts'
import { watchHealth } from './health/health-watch.ts'
import { standardProbes } from './health/probes.ts'
import { scriptProbes } from './health/scripts.ts'
import { keptVerdicts } from './kept-verdicts.ts'
import { linkDefaults, openLink } from './link.ts'
import { completed, type ExecNodeOptions } from './options.ts'
import { agentDefaults } from './ports.ts'
import { bootId, hardwareId } from './process/boot.ts'
import { openFence } from './process/fence.ts'
import { lookUpUser } from './process/identity.ts'
import { writeLease } from './process/lease-file.ts'
import { readOutput } from './process/output.ts'
import { mustHavePrivateTmp } from './process/private-tmp.ts'
import type { RunDriver } from './process/run-driver.ts'
import { openRunDriver } from './process/shepherd-driver.ts'
import { planner } from './run-plan.ts'
import { openStanding, type Standing } from './standing.ts'

export type ExecNode = {
  name: string
  /** Null when the scheduler has taken it; its refusal where nothing here goes on and waiting changes nothing. */
  taken: Promise<Refusal | null>
  stop(): Promise<{ running: number }>
}

type Settings = ReturnType<typeof completed>

export async function startExecNode(options: ExecNodeOptions): Promise<ExecNode> {
  const settings = completed(options)
  const { name, dataDir } = settings
  if (settings.privateTmp) await mustHavePrivateTmp()
  const folder = await takeDataFolder(dataDir)
  const closers: (() => unknown)[] = [() => folder.release()]
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    const log = openLog('exec-node', options.logFile)
    const httpAgent =
      options.httpAgent ?? provenAgent(settings.url, { insecureNetwork: options.insecureNetwork })
    closers.push(() => httpAgent.destroy())
    const driver = await openRunDriver({
      nodeDir: dataDir,
      nodeName: name,
      gridTag: tagOf(settings),
      log,
      ...(options.enforcement === undefined ? {} : { enforcement: options.enforcement }),
    })
    closers.push(() => driver.close())
    const late: Late = { agent: null }
    const standing = openStanding({
      url: settings.url,
      isIdle: () => late.agent?.isIdle() ?? false,
      tell: (sentence) => options.tell?.(sentence),
    })
    const doors = { log, driver, httpAgent, standing, late }
    const agent = await start(settings, options, doors, closers)
    log.info({ event: 'started', node: name, count: agent.running() })
    return {
      name,
      taken: standing.settled,
      async stop() {
        const left = await agent.stop()
        await close()
        log.info({ event: 'stopped', node: name, count: left.running })
        return left
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** What is asked for before the agent is there. */
type Late = { agent: Agent | null }
type Doors = { log: Log; driver: RunDriver; httpAgent: http.Agent; standing: Standing; late: Late }

async function start(
  settings: Settings,
  options: ExecNodeOptions,
  { log, driver, httpAgent, standing, late }: Doors,
  closers: (() => unknown)[],
) {
  const { name, dataDir, url } = settings
  const clock = realClock()
  const spool = await openSpool(dataDir, writeLease)
  const skew = skewMeter()
  const health = healthOf(settings, clock, skew, () => late.agent?.news())
  closers.push(() => health.close())
  const onDate = (date: string | undefined) => skew.saw(date, clock.now())
  const session = randomUUID()
  const link = openLink({
    url,
    node: name,
    session,
    ...secretOf(options),
    agent: httpAgent,
    clock,
    onDate,
    ...linkDefaults,
  })
  const planRun = planner({
    lookUp: lookUpUser,
    url,
    tmpRoot: settings.tmpRoot,
    privateTmp: settings.privateTmp,
    openFiles: settings.openFiles,
    randomName: () => randomBytes(6).toString('hex'),
  })
  const output = outputSource(lookUpUser, readOutput)
  const checkHttp = httpChecker(lookUpUser)
  const random = Math.random
  const agent = await startAgent(
    { clock, random, log, driver, link, spool, health, output, planRun, checkHttp },
    {
      ...agentDefaults,
      node: name,
      session,
      facts: await factsOf(settings, driver),
      reportMs: options.reportMs ?? agentDefaults.reportMs,
      refusalRenews: options.refusalRenews ?? agentDefaults.refusalRenews,
      onReport: (outcome, taken) => standing.heard(outcome, taken),
    },
  )
  late.agent = agent
  // After the lease is on disk: the fence reads it, and would end what it does not cover.
  const fence = openFence(dataDir)
  closers.push(() => fence.close())
  return agent
}

async function factsOf(settings: Settings, { enforcement }: RunDriver): Promise<NodeFacts> {
  const { dataDir, slots, memBytes, labels } = settings
  const machineId = await thisMachine(dataDir)
  const hardware = hardwareId()
  const machine = { bootId, machineId, ...(hardware === null ? {} : { hardware }) }
  return { slots, memBytes, labels, enforcement, version: packageVersion(), ...machine }
}

function healthOf(settings: Settings, clock: Clock, skew: SkewMeter, onChange: () => void) {
  const places = { spool: settings.dataDir, tmp: settings.tmpRoot, home: settings.homeRoot }
  return watchHealth({
    clock,
    everyMs: settings.healthEveryMs,
    probes: standardProbes(places, () => clock.now()),
    more: async () => [skew.probe(), ...(await scriptProbes(settings.healthFolder))],
    onChange,
    kept: keptVerdicts(settings.dataDir),
  })
}

/** Names the cgroups of this node: the same after each start, and no other's on this machine. */
function tagOf({ name, dataDir }: Settings): string {
  const place = createHash('sha256').update(dataDir).digest('hex').slice(0, 8)
  return `${name}-${place}`
}

function secretOf({ secret, findSecret }: ExecNodeOptions) {
  if (typeof secret === 'function') return { secret, onUnknown: () => void findSecret?.() }
  const known = { secret }
  return {
    secret: () => known.secret,
    onUnknown() {
      known.secret = findSecret?.() ?? known.secret
    },
  }
}

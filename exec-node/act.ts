/** Carries out what the core decided about a run; what fails comes back as data or is asked again. */
import type { Cause } from '../proto/cause.ts'
import { runKey } from './core/record.ts'
import { nothingAsked, type Action } from './core/steer.ts'
import type { Entry } from './entry.ts'
import type { AgentPorts } from './ports.ts'

type Ports = Pick<AgentPorts, 'driver' | 'planRun' | 'log'>

/** A name service that is away is asked again after so long, anything else that failed sooner. */
const lookUpAgainMs = 5_000
const againMs = 1_000

/** In how many ms to try again; null: it was done, or can never be. */
export async function act(entry: Entry, action: Action, ports: Ports): Promise<number | null> {
  const key = runKey(entry.record, action.run)
  if (action.kind === 'start') {
    const failure = await start(entry, action.run, ports)
    if (failure === 'passing') {
      entry.asked = { ...nothingAsked, run: action.run }
      return lookUpAgainMs
    }
    entry.startFailure = { run: action.run, cause: failure ?? vanished }
    return null
  }
  try {
    if (action.kind === 'stop') await ports.driver.stop(key, action.order)
    else if (action.kind === 'suspend') await ports.driver.suspend(key)
    else if (action.kind === 'resume') await ports.driver.resume(key)
    else if (action.kind === 'single-copy') await ports.driver.makeSingleCopy(key)
    else await limit(entry, action.run, ports)
    return null
  } catch (error) {
    warn(entry, ports, `${action.kind}-failed`, error)
    // Not asked then: the next turn asks anew.
    const { run, started } = entry.asked
    entry.asked = { ...nothingAsked, run, started }
    return againMs
  }
}

/** Counts only where the driver knows nothing of the run although it said that it started it. */
const vanished: Cause = {
  kind: 'could-not-start',
  call: 'start',
  error: 'ENOENT',
  detail: 'the run left no trace',
}

async function start(entry: Entry, run: number, ports: Ports): Promise<Cause | 'passing' | null> {
  const { order } = entry.record
  try {
    const planned = await ports.planRun(order, run)
    if (!planned.ok && planned.cause === null) {
      warn(entry, ports, 'start-waits', planned.detail)
      return 'passing'
    }
    if (!planned.ok) return planned.cause
    await ports.driver.start(planned.plan)
    ports.log.info({ event: 'run-started', task: order.task, epoch: order.epoch, run })
    return null
  } catch (error) {
    warn(entry, ports, 'start-failed', error)
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    return { kind: 'could-not-start', call: 'start', error: code, detail: words(error) }
  }
}

async function limit(entry: Entry, run: number, ports: Ports): Promise<void> {
  const planned = await ports.planRun(entry.record.order, run)
  if (!planned.ok && planned.cause === null) throw new Error(planned.detail)
  if (!planned.ok) return
  const applied = await ports.driver.limit(planned.plan.key, planned.plan.limits)
  if (applied) return
  const { task, epoch } = entry.record.order
  ports.log.info({ event: 'limits-wait-for-next-run', task, epoch, run })
}

export const words = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

export function warn(entry: Entry, ports: Pick<AgentPorts, 'log'>, event: string, error: unknown) {
  const { task, epoch } = entry.record.order
  ports.log.warn({ event, task, epoch, error: words(error) })
}

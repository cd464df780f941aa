/** The agent: takes over what lives here, then keeps the exchange with the scheduler going. */
import { noCancel, type Cancel } from '../src/lib/clock.ts'
import { words } from './act.ts'
import { currentRun } from './core/record.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { LivenessWatch } from './liveness-watch.ts'
import { OrderStream } from './order-stream.ts'
import { Placements } from './placements.ts'
import type { AgentOptions, AgentPorts, Loaded } from './ports.ts'
import type { RunFacts } from './process/run-driver.ts'
import { Reporter } from './reporter.ts'

export type Agent = {
  /** Ends the agent, touches no job; tells how many runs go on. */
  stop(): Promise<{ running: number }>
  running(): number
  /** Nothing is placed here, neither running nor between two runs, and nothing runs without a record. */
  isIdle(): boolean
  /** Something outside the placements is worth a report: a verdict of health. */
  news(): void
}

export async function startAgent(ports: AgentPorts, options: AgentOptions): Promise<Agent> {
  const lease = new LeaseKeeper(ports, options.facts.bootId)
  const placements = new Placements(ports, options, lease)
  const reporter = new Reporter(ports, options, lease, placements)
  const stream = new OrderStream(ports, lease, placements)
  const watch = new LivenessWatch(ports, (entry) => placements.wake(entry))
  placements.onNews = () => reporter.soon()
  placements.onEntry = (entry) => watch.follow(entry)
  lease.onTurn = () => placements.wakeAll()
  lease.onOverdue = () => placements.expire()
  reporter.onAnswered = () => stream.open()
  stream.onReportNow = () => reporter.soon()

  const loaded = await loadSpool(ports)
  await lease.begin(loaded.state)
  ports.driver.onChange((key) => placements.noticeRun(key))
  await placements.adopt(loaded.placements, await listRuns(ports))
  for (const entry of placements.entries) watch.follow(entry)
  const cancelPoll = poll(ports, options, placements)
  reporter.soon()

  const running = () =>
    [...placements.entries].filter((entry) => currentRun(entry.record) !== null).length
  return {
    running,
    isIdle: () => [...placements.entries].length === 0 && !placements.strangers.anyPopulated(),
    news: () => reporter.soon(),
    async stop() {
      reporter.close()
      watch.close()
      cancelPoll()
      await stream.close()
      await placements.close()
      lease.close()
      return { running: running() }
    },
  }
}

/** The agent always starts: what cannot be read is set aside by the spool and told. */
async function loadSpool(ports: AgentPorts): Promise<Loaded> {
  const loaded = await ports.spool.load()
  for (const { name, detail } of loaded.damaged) {
    ports.log.warn({ event: 'record-set-aside', detail: `${name}: ${detail}` })
  }
  return loaded
}

async function listRuns(ports: AgentPorts): Promise<RunFacts[]> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await ports.driver.list()
    } catch (error) {
      // Without the list nothing may start: an unknown run could be the second copy.
      ports.log.error({ event: 'list-failed', error: words(error) })
      await new Promise<void>((resolve) => {
        ports.clock.after(Math.min(30_000, 1_000 * 2 ** failures), resolve)
      })
    }
  }
}

/** Changes that nobody told of: looked for now and then. */
function poll(ports: AgentPorts, options: AgentOptions, placements: Placements): Cancel {
  let cancel: Cancel = noCancel
  const next = () => {
    cancel = ports.clock.after(options.pollMs, () => {
      placements.wakeAll()
      void placements.strangers.refresh()
      next()
    })
  }
  next()
  return () => cancel()
}

/** Takes away what is left of ended runs, beside the turns: a mount that hangs holds up nothing but this. */
import { warn } from './act.ts'
import { runKey } from './core/record.ts'
import type { Entry } from './entry.ts'
import type { AgentPorts } from './ports.ts'

const firstAgainMs = 1_000
const lastAgainMs = 300_000

type Ports = Pick<AgentPorts, 'driver' | 'log' | 'clock'>

export class Sweep {
  readonly #ports: Ports
  readonly #wake: (entry: Entry) => void
  #closed = false

  constructor(ports: Ports, wake: (entry: Entry) => void) {
    this.#ports = ports
    this.#wake = wake
  }

  /** What is being removed still is, nothing further: the next start of the agent goes on. */
  close(): void {
    this.#closed = true
  }

  isClean(entry: Entry): boolean {
    return overRuns(entry).every((run) => entry.removed.has(run))
  }

  /** One run after the other; resolves when each was tried, and wakes the entry when something changed. */
  async begin(entry: Entry): Promise<void> {
    if (entry.sweeping) return
    entry.sweeping = true
    let wasRemoved = false
    const runs = overRuns(entry)
    for (const run of runs) {
      if (this.#closed) break
      if (entry.removed.has(run) || entry.unremoved.get(run)?.isDue === false) continue
      wasRemoved = (await this.remove(entry, run)) || wasRemoved
    }
    entry.sweeping = false
    if (wasRemoved || overRuns(entry).length > runs.length) this.#wake(entry)
  }

  /** True when nothing of the run is left in spool and cgroup tree; what failed is tried again, ever more seldom. */
  async remove(entry: Entry, run: number): Promise<boolean> {
    try {
      await this.#ports.driver.remove(runKey(entry.record, run))
      entry.removed.add(run)
      entry.unremoved.delete(run)
      return true
    } catch (error) {
      warn(entry, this.#ports, 'remove-failed', error)
      const before = entry.unremoved.get(run)?.pauseMs ?? firstAgainMs / 2
      const pauseMs = Math.min(lastAgainMs, before * 2)
      const left = { pauseMs, isDue: false }
      entry.unremoved.set(run, left)
      this.#ports.clock.after(pauseMs, () => {
        left.isDue = true
        this.#wake(entry)
      })
      return false
    }
  }
}

const overRuns = ({ record }: Entry): number[] =>
  record.runs.filter((run) => run.state === 'over').map((run) => run.report.number)

/** Runs, cgroups and folders that no record explains: shown to the scheduler, touched only on its word. */
import type { Report } from '../proto/sync.ts'
import { words } from './act.ts'
import { parseRunKey } from './core/record.ts'
import type { AgentPorts } from './ports.ts'
import type { RunFacts } from './process/run-driver.ts'

const stopOrder = {
  cause: {
    kind: 'cancelled',
    by: 'scheduler',
    why: 'no record explained this run and the scheduler does not want it',
  },
  signal: 'SIGTERM',
  graceMs: 10_000,
} as const

export class Strangers {
  readonly #known = new Map<string, RunFacts>()
  readonly #ports: Pick<AgentPorts, 'driver' | 'log'>
  onChange: () => void = () => {}

  constructor(ports: Pick<AgentPorts, 'driver' | 'log'>) {
    this.#ports = ports
  }

  add(facts: RunFacts): void {
    this.#known.set(facts.key, facts)
    this.#ports.log.warn({ event: 'unexplained-run', detail: `${facts.key} ${facts.oddity ?? ''}` })
  }

  has(key: string): boolean {
    return this.#known.has(key)
  }

  epochs(task: string): number[] {
    return this.#of(task).map((found) => found.epoch)
  }

  populated(task: string): boolean {
    return this.#of(task).some((found) => found.facts.populated)
  }

  anyPopulated(): boolean {
    return [...this.#known.values()].some((facts) => facts.populated)
  }

  /** The newest run of a placement leaves: from now on a record explains it. */
  adopt(task: string, epoch: number): { run: number; facts: RunFacts } | null {
    const own = this.#of(task).filter((found) => found.epoch === epoch)
    const newest = own.sort((a, b) => b.run - a.run)[0]
    if (newest === undefined) return null
    this.#known.delete(newest.facts.key)
    return newest
  }

  async stop(task: string, epoch: number): Promise<void> {
    for (const { facts } of this.#of(task).filter((found) => found.epoch === epoch)) {
      await this.#try(() => this.#ports.driver.stop(facts.key, stopOrder))
    }
  }

  async forget(task: string, epoch: number): Promise<void> {
    for (const { facts } of this.#of(task).filter((found) => found.epoch === epoch)) {
      if (!facts.populated) await this.#try(() => this.#ports.driver.remove(facts.key))
    }
    await this.refresh()
  }

  async refresh(): Promise<void> {
    for (const [key, before] of this.#known) {
      await this.#try(async () => {
        const facts = await this.#ports.driver.facts(key)
        if (facts === null) this.#known.delete(key)
        else this.#known.set(key, facts)
        if (facts?.populated !== before.populated) this.onChange()
      })
    }
  }

  oddities(): Report['oddities'] {
    return [...this.#known.values()].map(({ key, oddity, populated }) => ({
      key,
      detail: oddity ?? 'no record explains this run',
      populated,
    }))
  }

  #of(task: string): { epoch: number; run: number; facts: RunFacts }[] {
    if (this.#known.size === 0) return []
    return [...this.#known.values()].flatMap((facts) => {
      const parts = parseRunKey(facts.key)
      return parts?.task === task ? [{ epoch: parts.epoch, run: parts.run, facts }] : []
    })
  }

  async #try(what: () => Promise<void>): Promise<void> {
    try {
      await what()
    } catch (error) {
      this.#ports.log.warn({ event: 'unexplained-run-failed', error: words(error) })
    }
  }
}

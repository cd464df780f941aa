/** Looks now and then at what the running runs use, and says what has changed much since it was last told. */
import type { Usage } from '../proto/cause.ts'
import type { RunUsage } from '../proto/sync.ts'
import { runKey } from './core/record.ts'
import { changedMuch } from './core/usage.ts'
import type { Entry } from './entry.ts'
import type { AgentPorts } from './ports.ts'

type Told = { run: string; usage: Usage }

export class UsageWatch {
  readonly #driver: AgentPorts['driver']
  /** Placement -> what the scheduler knows. */
  readonly #told = new Map<string, Told>()
  #news: RunUsage[] = []
  #busy = false

  constructor(driver: AgentPorts['driver']) {
    this.#driver = driver
  }

  /** Reads the figures in the background: a report never waits for them, the next one brings them. */
  async look(entries: Iterable<Entry>): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    const running = [...entries].filter(({ record }) => record.phase.kind === 'running')
    const live = new Set(running.map(({ key }) => key))
    for (const key of this.#told.keys()) if (!live.has(key)) this.#told.delete(key)
    const news: RunUsage[] = []
    for (const { key, record } of running) {
      if (record.phase.kind !== 'running') continue
      const run = runKey(record, record.phase.run)
      const usage = (await this.#driver.facts(run).catch(() => null))?.usage ?? null
      const told = this.#told.get(key)
      const before = told?.run === run ? told.usage : null
      if (usage === null || !changedMuch(before, usage)) continue
      news.push({
        task: record.order.task,
        epoch: record.order.epoch,
        run: record.phase.run,
        usage,
      })
    }
    this.#news = news
    this.#busy = false
  }

  /** For the next report. */
  get news(): readonly RunUsage[] {
    return this.#news
  }

  /** The report with these was answered. */
  told(usages: readonly RunUsage[]): void {
    for (const { task, epoch, run, usage } of usages) {
      this.#told.set(`${task}.${epoch}`, { run: `${task}.${epoch}.${run}`, usage })
    }
    this.#news = this.#news.filter((one) => !usages.includes(one))
  }

  /** Who asks for everything has forgotten this too. */
  forget(): void {
    this.#told.clear()
  }
}

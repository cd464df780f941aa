/** Asks running jobs whether they are alive, by the check and the silence limit their owner chose. */
import { noCancel, type Cancel } from '../src/lib/clock.ts'
import { words } from './act.ts'
import { checkVerdict, newLiveness, silenceVerdict, withCheck } from './core/liveness.ts'
import type { Liveness, Unhealthy } from './core/liveness.ts'
import { runKey } from './core/record.ts'
import type { Entry } from './entry.ts'
import type { AgentPorts } from './ports.ts'
import type { CheckResult } from './process/run-driver.ts'

type Watch = { liveness: Liveness; spec: string; cancel: Cancel }

const silenceLookMs = 5_000

export class LivenessWatch {
  readonly #watches = new Map<string, Watch>()
  readonly #ports: Pick<AgentPorts, 'clock' | 'driver' | 'checkHttp'>
  readonly #wake: (entry: Entry) => void

  constructor(
    ports: Pick<AgentPorts, 'clock' | 'driver' | 'checkHttp'>,
    wake: (entry: Entry) => void,
  ) {
    this.#ports = ports
    this.#wake = wake
  }

  /** Follows the placement: watched while it runs, and anew with each run or changed check. */
  follow(entry: Entry): void {
    const { phase, order } = entry.record
    const { check, silenceMs } = order.spec
    const watch = this.#watches.get(entry.key)
    const wanted = phase.kind === 'running' && (check !== null || silenceMs !== null)
    const spec = JSON.stringify([check, silenceMs])
    if (wanted && watch?.liveness.run === phase.run && watch.spec === spec) return
    watch?.cancel()
    this.#watches.delete(entry.key)
    if (watch !== undefined && entry.unhealthy === null) entry.healthy = true
    if (!wanted) return
    const next: Watch = { liveness: newLiveness(phase.run), spec, cancel: noCancel }
    this.#watches.set(entry.key, next)
    this.#arm(entry, next)
    if (entry.healthy) return
    entry.healthy = true
    this.#wake(entry)
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.cancel()
    this.#watches.clear()
  }

  #arm(entry: Entry, watch: Watch): void {
    const { check, silenceMs } = entry.record.order.spec
    const cancels: Cancel[] = []
    watch.cancel = () => {
      for (const cancel of cancels) cancel()
    }
    const repeat = (everyMs: number, look: () => Promise<Unhealthy | null>) => {
      const next = () => {
        cancels.push(this.#ports.clock.after(everyMs, () => void once()))
        if (cancels.length > 4) cancels.splice(0, cancels.length - 4)
      }
      const once = async () => {
        const verdict = await look()
        if (this.#watches.get(entry.key) !== watch) return
        if (verdict === null) return next()
        entry.unhealthy = verdict
        entry.healthy = false
        this.#wake(entry)
      }
      next()
    }
    if (check !== null) repeat(check.intervalMs, () => this.#check(entry, watch))
    if (silenceMs !== null) {
      repeat(Math.max(100, Math.min(silenceLookMs, silenceMs / 2)), () =>
        this.#silence(entry, watch),
      )
    }
  }

  async #check(entry: Entry, watch: Watch): Promise<Unhealthy | null> {
    const { spec, owner } = entry.record.order
    if (spec.check === null) return null
    const { probe, timeoutMs } = spec.check
    const key = runKey(entry.record, watch.liveness.run)
    const result: CheckResult = await (
      probe.kind === 'http'
        ? this.#ports.checkHttp(probe.url, timeoutMs, owner)
        : this.#ports.driver.check(key, probe.argv, timeoutMs)
    ).catch((error: unknown) => ({ ok: false, detail: words(error) }))
    watch.liveness = withCheck(watch.liveness, result)
    const healthy = watch.liveness.failuresInRow === 0
    if (this.#watches.get(entry.key) === watch && healthy !== entry.healthy) {
      entry.healthy = healthy
      this.#wake(entry)
    }
    return checkVerdict(spec, watch.liveness)
  }

  async #silence(entry: Entry, watch: Watch): Promise<Unhealthy | null> {
    const { run } = watch.liveness
    const facts = await this.#ports.driver.facts(runKey(entry.record, run)).catch(() => null)
    if (facts === null || facts.startedAt === null) return null
    const { startedAt, lastOutputAt } = facts
    const now = this.#ports.clock.now()
    return silenceVerdict(entry.record.order.spec, { number: run, startedAt, lastOutputAt }, now)
  }
}

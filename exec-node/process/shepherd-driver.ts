/** The real RunDriver: run folders, shepherds and cgroups. It does and tells; the agent decides. */
import type { Log } from '../../src/lib/log.ts'
import { bootId, isSameProcess, uptimeMs } from './boot.ts'
import type { CgroupDriver } from './cgroup-driver.ts'
import { joinWarmer } from './cgroup-warmth.ts'
import { openChanges } from './changes.ts'
import { runCheck } from './check.ts'
import { chooseCgroup } from './choose-cgroup.ts'
import { every } from './every.ts'
import { openLauncher } from './launcher.ts'
import { memorySampler } from './memory-sampler.ts'
import { signalQuietly } from './no-cgroup.ts'
import { oddRuns } from './odd-facts.ts'
import { forgetVictim } from './oom-victim.ts'
import { orphanLadder } from './orphan-ladder.ts'
import { askOwner } from './owner-program.ts'
import type { RunDriver, RunFacts, RunKey, RunPlan, StopOrder } from './run-driver.ts'
import { factsOf, vitalsOf, type FactsContext, type Vitals } from './run-facts.ts'
import { runFolders, unclaimed, type RunRecord } from './run-folder.ts'
import { signalNumber } from './signals.ts'
import { encodeSpec } from './spec.ts'

const lookEveryMs = 1000
const sampleEveryMs = 2000
const tellAnywayEveryMs = 10_000
const stopSignalDefault = 15

export type RunDriverOptions = {
  nodeDir: string
  nodeName: string
  gridTag: string
  log?: Log
  /** For tests and odd machines: use this and no other. */
  enforcement?: RunDriver['enforcement']
}

export async function openRunDriver(options: RunDriverOptions): Promise<RunDriver> {
  const driver = new ShepherdDriver(options)
  await driver.adopt()
  return driver
}

class ShepherdDriver implements RunDriver {
  readonly enforcement: RunDriver['enforcement']
  readonly #options: RunDriverOptions
  readonly #cgroup: CgroupDriver
  readonly #folders
  readonly #ladder
  readonly #warmer = joinWarmer()
  readonly #sampler = memorySampler()
  readonly #launcher
  readonly #context: FactsContext
  readonly #odd
  /** Runs that may live, with what was last seen of them. */
  readonly #live = new Map<RunKey, { record: RunRecord; vitals: Vitals } | null>()
  readonly #listeners: ((key: RunKey | null) => void)[] = []
  readonly #stops = new Map<RunKey, Promise<void>>()
  readonly #looks: { close(): void }[] = []
  #changes: { close(): void } | null = null

  constructor(options: RunDriverOptions) {
    this.#options = options
    this.#cgroup = chooseCgroup(options.gridTag, options.enforcement)
    this.enforcement = this.#cgroup.enforcement
    this.#folders = runFolders(options.nodeDir)
    this.#odd = oddRuns(this.#cgroup)
    this.#ladder = orphanLadder(this.#cgroup)
    this.#launcher = openLauncher(() => this.#unclaimed())
    const sampled = (key: RunKey) => this.#sampler.usage(key)
    const { lastOutputAt } = this.#folders
    this.#context = { cgroup: this.#cgroup, nodeName: options.nodeName, sampled, lastOutputAt }
  }

  async adopt(): Promise<void> {
    for (const task of await this.#folders.prepare())
      this.#options.log?.warn({ event: 'torn-run-forgotten', task })
    for (const [key, aside] of await this.#folders.aside()) this.#odd.keep(key, aside)
    this.#changes = openChanges(this.#options.nodeDir, (key) => this.#tell(key))
    const cgroups = this.#cgroup.list()
    for (const key of await this.#folders.keys()) this.#live.set(key, null)
    // Only the kernel knows whether one is empty: it refuses to remove any other.
    for (const key of cgroups) if (!this.#live.has(key)) this.#cgroup.remove(key)
    for (const folder of await this.#unclaimed()) this.#launcher.launch(folder)
    this.#every(lookEveryMs, () => this.#look())
    this.#every(tellAnywayEveryMs, async () => this.#tell(null))
    if (this.enforcement === 'rlimit') this.#every(sampleEveryMs, () => this.#sample())
  }

  expectStart(): void {
    if (this.enforcement !== 'rlimit') this.#warmer.warm()
  }

  async start(plan: RunPlan): Promise<void> {
    if (!/^[\w][\w.-]*$/.test(plan.key)) throw new Error(`not a run key: ${plan.key}`)
    const mayChangeUid = process.getuid?.() === 0
    if (!mayChangeUid && plan.identity.uid !== process.getuid?.())
      throw new Error(`only root can run for another account than its own: ${plan.identity.user}`)
    const spec = encodeSpec(plan, this.#cgroup.plan(plan.key, plan.limits), mayChangeUid)
    await this.#folders.create(plan.key, spec)
    this.#live.set(plan.key, null)
    this.#launcher.launch(this.#folders.folder(plan.key))
  }

  async list(): Promise<RunFacts[]> {
    this.#cgroup.refresh()
    // Before the folders: a run that starts meanwhile must not look like a cgroup without a record.
    const cgroups = this.#cgroup.list()
    const keys = await this.#folders.keys()
    const known = await Promise.all(keys.map((key) => this.#facts(key)))
    const odd = this.#odd.facts(cgroups, new Set(keys))
    return [...known.filter((facts) => facts !== null), ...odd]
  }

  facts(key: RunKey): Promise<RunFacts | null> {
    this.#cgroup.refresh()
    return this.#facts(key)
  }

  async #facts(key: RunKey): Promise<RunFacts | null> {
    const seen = await this.#see(key)
    if (seen) return factsOf(seen.record, seen.vitals, this.#context)
    const cgroups = this.#cgroup.list().filter((name) => name === key)
    return this.#odd.facts(cgroups, new Set()).find((odd) => odd.key === key) ?? null
  }

  stop(key: RunKey, order: StopOrder): Promise<void> {
    const done = (this.#stops.get(key) ?? Promise.resolve()).then(() => this.#stop(key, order))
    this.#stops.set(
      key,
      done.catch(() => {}),
    )
    return done
  }

  suspend(key: RunKey): Promise<void> {
    return this.#freeze(key, true)
  }

  resume(key: RunKey): Promise<void> {
    return this.#freeze(key, false)
  }

  async makeSingleCopy(key: RunKey): Promise<void> {
    const seen = await this.#see(key)
    if (seen?.record.spec.singleCopy === false) await this.#folders.writeSingle(key)
  }

  async limit(key: RunKey, limits: RunPlan['limits']): Promise<boolean> {
    return this.#cgroup.limit(key, limits)
  }

  check(key: RunKey, argv: readonly string[], timeoutMs: number) {
    return runCheck(this.#folders.folder(key), argv, timeoutMs)
  }

  async remove(key: RunKey): Promise<void> {
    const seen = await this.#see(key)
    if (seen ? seen.vitals.populated : this.#odd.populated(key))
      throw new Error(`run ${key} still has processes`)
    const { spec, journal } = seen?.record ?? {}
    if (spec && !journal?.empty?.tmpRemoved) {
      // The folder stays for as long as only it tells where the TMPDIR is.
      const reply = await askOwner([spec.identity, 'rmtree', spec.tmpDir])
      if (!reply.ok) throw new Error(`TMPDIR of run ${key} could not be removed: ${reply.error}`)
    }
    if (!journal?.empty) this.#cgroup.remove(key)
    await this.#folders.remove(key)
    for (const memory of [this.#odd, this.#live, this.#stops]) memory.delete(key)
    this.#sampler.forget(key)
    forgetVictim(key)
  }

  onChange(listener: (key: RunKey | null) => void): void {
    this.#listeners.push(listener)
  }

  async close(): Promise<void> {
    for (const look of this.#looks) look.close()
    this.#changes?.close()
    this.#launcher.close()
    this.#cgroup.leave()
    this.#listeners.length = 0
  }

  /** Reads a run's records; one that cannot be read is set aside and stays visible as an oddity. */
  async #see(key: RunKey): Promise<{ record: RunRecord; vitals: Vitals } | null> {
    let record = await this.#folders.load(key)
    if (record === 'damaged') return this.#setAside(key)
    if (!record) return null
    let vitals = vitalsOf(record, this.#cgroup)
    if (!vitals.supervised && !record.journal?.empty && record.spec.bootId === bootId) {
      // A shepherd that went just now has written its last lines before it did.
      const again = await this.#folders.load(key)
      if (again && again !== 'damaged') record = again
      vitals = vitalsOf(record, this.#cgroup)
    }
    if (vitals.populated) this.#live.set(key, { record, vitals })
    else this.#live.delete(key)
    return { record, vitals }
  }

  async #setAside(key: RunKey): Promise<null> {
    const aside = await this.#folders.setAside(key)
    this.#live.delete(key)
    if (this.#odd.keep(key, aside))
      this.#options.log?.warn({ event: 'run-record-damaged', task: key, detail: aside.detail })
    return null
  }

  async #stop(key: RunKey, order: StopOrder): Promise<void> {
    this.#cgroup.refresh()
    const seen = await this.#see(key)
    if (!seen) return this.#stopOdd(key, order)
    if (!seen.vitals.populated) return
    const killAtUptimeMs = uptimeMs() + Math.max(0, Math.round(order.graceMs))
    const before = seen.record.stop
    const stop = {
      signal: signalNumber(order.signal) ?? stopSignalDefault,
      killAtUptimeMs: Math.min(killAtUptimeMs, before?.killAtUptimeMs ?? Infinity),
      cause: before?.cause ?? order.cause,
    }
    await this.#folders.writeStop(key, stop)
    const shepherd = seen.record.journal?.shepherd
    if (shepherd && isSameProcess(shepherd.pid, shepherd.startTicks))
      signalQuietly(shepherd.pid, 'SIGUSR1')
    else if (shepherd) await this.#climb(key)
  }

  /** A cgroup without a record has no ladder to keep: it is told once, and killed when no grace is given. */
  #stopOdd(key: RunKey, order: StopOrder): void {
    const pids = this.#odd.pids(key)
    const signal = order.graceMs > 0 ? (signalNumber(order.signal) ?? stopSignalDefault) : 'SIGKILL'
    for (const pid of pids) signalQuietly(pid, signal)
    this.#cgroup.freeze(key, false, pids)
  }

  async #freeze(key: RunKey, frozen: boolean): Promise<void> {
    this.#cgroup.refresh()
    const seen = await this.#see(key)
    if (seen?.vitals.populated && !this.#cgroup.freeze(key, frozen, seen.vitals.pids))
      throw new Error(`run ${key} could not be ${frozen ? 'suspended' : 'resumed'}`)
  }

  #unclaimed(): Promise<string[]> {
    const keys = [...this.#live.keys()].filter((key) => !this.#live.get(key)?.record.journal)
    return unclaimed(this.#folders, keys)
  }

  /** Shepherds tell of their runs; of a run whose shepherd was killed nobody does. */
  async #look(): Promise<void> {
    this.#cgroup.refresh()
    for (const [key, seen] of this.#live) {
      const shepherd = seen?.record.journal?.shepherd
      if (shepherd && !isSameProcess(shepherd.pid, shepherd.startTicks)) await this.#climb(key)
      else if (!shepherd) await this.#see(key)
    }
  }

  async #climb(key: RunKey): Promise<void> {
    const before = this.#live.get(key)?.vitals
    const seen = await this.#see(key)
    if (!seen) return
    this.#ladder.step(seen.record, seen.vitals)
    const { supervised, mainAlive, populated } = seen.vitals
    if (
      before?.supervised !== supervised ||
      before.mainAlive !== mainAlive ||
      before.populated !== populated
    )
      this.#tell(key)
  }

  async #sample(): Promise<void> {
    const seen = await Promise.all([...this.#live.keys()].map((key) => this.#see(key)))
    const runs = seen
      .filter((one) => one !== null)
      .map(({ record, vitals }) => ({
        key: record.key,
        pids: vitals.pids,
        memBytes: record.spec.memBytes,
      }))
    for (const key of await this.#sampler.sample(runs)) {
      const limitBytes = runs.find((run) => run.key === key)?.memBytes ?? null
      const peakBytes = this.#sampler.usage(key)?.peakMemBytes ?? null
      const cause = { kind: 'out-of-memory', victim: null, peakBytes, limitBytes } as const
      await this.stop(key, { cause, signal: 'SIGKILL', graceMs: 0 })
    }
  }

  #every(ms: number, task: () => Promise<void>): void {
    const failed = (error: unknown) =>
      this.#options.log?.error({ event: 'run-driver-look-failed', error: String(error) })
    this.#looks.push(every(ms, task, failed))
  }

  #tell(key: RunKey | null): void {
    for (const listener of this.#listeners) listener(key)
  }
}

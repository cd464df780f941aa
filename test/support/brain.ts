/** A brain on real SQLite with a clock that moves when told, and nodes that do what a test says. */
import type { RouteName } from '../../proto/api.ts'
import type { JobDetail, JobRequest } from '../../proto/job.ts'
import { Brain } from '../../scheduler/brain/brain.ts'
import type { Call, Caller, Handlers, Result } from '../../scheduler/brain/call.ts'
import type { BrainSettings } from '../../scheduler/brain/context.ts'
import { defaultLimits } from '../../scheduler/core/admission.ts'
import { defaultBreaker } from '../../scheduler/core/breaker.ts'
import { defaultLease } from '../../scheduler/core/lease.ts'
import { builtInLimits } from '../../scheduler/core/quota.ts'
import type { Change } from '../../scheduler/store/change.ts'
import { openEngine, type Engine } from '../../scheduler/store/engine.ts'
import { storeOn } from '../../scheduler/store/in-thread-store.ts'
import { StoreError, type Store } from '../../scheduler/store/store.ts'
import { silentLog } from '../../src/lib/log.ts'
import { FakeNode } from './fake-node.ts'
import { VirtualClock, settle } from './virtual-clock.ts'

export const anna: Caller = { owner: 'anna', rights: 'user', from: 'test' }
export const bert: Caller = { owner: 'bert', rights: 'user', from: 'test' }
export const operator: Caller = { owner: 'olga', rights: 'operator', from: 'test' }

const defaultSettings: BrainSettings = {
  limits: defaultLimits,
  quota: () => builtInLimits,
  shareHalfLifeMs: 86_400_000,
  groupMembers: async () => [],
  lease: defaultLease,
  breaker: defaultBreaker,
  tickGapMs: 4,
  replacedPerSecond: 100,
  keepFinishedMs: 86_400_000,
  keepEventsMs: 86_400_000,
  version: '0',
  place: 'here',
  refuseOwner: () => null,
}

type Parts<N extends keyof Handlers> = Partial<Pick<Call<N>, 'params' | 'query' | 'body'>>
type Value<N extends keyof Handlers> =
  Awaited<ReturnType<Handlers[N]>> extends Result<infer T> ? T : never

export type GridOptions = {
  clock?: VirtualClock
  engine?: Engine
  settings?: Partial<BrainSettings>
}

export class BrainGrid {
  readonly clock: VirtualClock
  readonly engine: Engine
  readonly nodes: FakeNode[] = []
  /** Every batch that was committed. */
  readonly commits: (readonly Change[])[] = []
  readonly failures: Error[] = []
  settings: BrainSettings
  brain!: Brain
  /** What the brain writes to and reads from: a test may make it fail. */
  store!: Store
  /** While set, commits wait for it; a rejected one fails the commit. */
  gate: Promise<void> | null = null

  private constructor({ clock, engine, settings }: GridOptions) {
    this.clock = clock ?? new VirtualClock()
    this.engine = engine ?? openEngine(':memory:')
    this.settings = { ...defaultSettings, ...settings }
  }

  static async open(options: GridOptions = {}): Promise<BrainGrid> {
    const grid = new BrainGrid(options)
    await grid.reopen()
    return grid
  }

  /** The scheduler is killed, and started again on what is committed. */
  async reopen(settings: Partial<BrainSettings> = {}): Promise<Brain> {
    this.settings = { ...this.settings, ...settings }
    this.store = this.#watched(storeOn(this.engine))
    this.brain = await Brain.open({
      store: this.store,
      clock: this.clock,
      log: silentLog,
      settings: this.settings,
      newGridId: () => 'grid-1',
      onFailure: (error) => this.failures.push(error),
    })
    this.brain.beginJudging()
    for (const node of this.nodes) node.meet(this.brain)
    return this.brain
  }

  /** A node that has joined and takes orders. */
  async node(name: string, facts: Partial<FakeNode['facts']> = {}): Promise<FakeNode> {
    const node = new FakeNode(this.brain, this.clock, name, facts)
    this.nodes.push(node)
    await node.report()
    await node.report()
    node.attach()
    await this.quiet()
    return node
  }

  call<N extends keyof Handlers>(
    route: N & RouteName,
    caller: Caller,
    parts: Parts<N> = {},
  ): Promise<Result<Value<N>>> {
    const handler = this.brain.handlers[route] as (call: unknown) => unknown
    const call = { caller, params: {}, query: {}, body: {}, ...parts }
    return Promise.resolve(handler(call)) as Promise<Result<Value<N>>>
  }

  async ok<N extends keyof Handlers>(
    route: N & RouteName,
    caller: Caller,
    parts: Parts<N> = {},
  ): Promise<Value<N>> {
    const result = await this.call(route, caller, parts)
    if (!result.ok) throw new Error(`${result.refusal.code}: ${result.refusal.detail}`)
    await this.brain.settled()
    return result.value
  }

  /** The code of a refusal. */
  async refused<N extends keyof Handlers>(
    route: N & RouteName,
    caller: Caller,
    parts: Parts<N> = {},
  ): Promise<string> {
    const result = await this.call(route, caller, parts)
    return result.ok ? 'done' : result.refusal.code
  }

  async submit(request: Partial<JobRequest> = {}, caller = anna): Promise<number> {
    const body = { command: ['/bin/true'], cwd: '/tmp', ...request } as JobRequest
    const { job } = await this.ok('submitJob', caller, { body })
    return job
  }

  show(job: number | string, query: { tasks?: string } = {}): Promise<JobDetail> {
    return this.ok('showJob', anna, { params: { job: String(job) }, query })
  }

  async state(job: number): Promise<string> {
    return (await this.show(job)).state
  }

  /** One tick, and what it decided reaches the nodes. */
  async tick(): Promise<void> {
    this.brain.tick()
    await this.quiet()
  }

  /** Ticks, with every node that is given reporting before and after. */
  async turn(...nodes: FakeNode[]): Promise<void> {
    for (const node of nodes) await node.report()
    await this.tick()
    for (const node of nodes) await node.report()
  }

  /** Time goes on; the given nodes report as they should, the others are silent. */
  async pass(ms: number, ...nodes: FakeNode[]): Promise<void> {
    const stepMs = 4_000
    for (let left = ms; left > 0; left -= stepMs) {
      await this.clock.advance(Math.min(left, stepMs))
      for (const node of nodes) await node.report()
      this.brain.tick()
    }
    await this.quiet()
  }

  async quiet(): Promise<void> {
    await settle(2)
    await this.brain.settled()
    await settle(2)
  }

  stop(jobs: (number | string)[], caller = anna) {
    return this.ok('stopJobs', caller, { body: { jobs: jobs.map(String) } })
  }

  #watched(store: Store): Store {
    return {
      ...store,
      commit: async (changes) => {
        try {
          if (this.gate !== null) await this.gate
        } catch (error) {
          throw new StoreError('failed', String(error))
        }
        await store.commit(changes)
        this.commits.push(changes)
      },
    }
  }
}

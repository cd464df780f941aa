/** The promises as checks: what must hold after every step, and what must hold again once the faults are over. */
import { parseRunKey } from '../../exec-node/core/record.ts'
import type { Cause } from '../../proto/cause.ts'
import { factsOf } from '../../scheduler/brain/stored.ts'
import { placementOf } from '../../scheduler/core/task-state.ts'
import type { StoredFacts } from '../../scheduler/state/live-job.ts'
import type { LiveNode, StoredNode } from '../../scheduler/state/live-node.ts'
import { Broken } from './broken.ts'
import { Holders, machineOf } from './holders.ts'
import type { NodeHost } from './node-host.ts'
import type { BookedJob, People } from './people.ts'
import { checkScarce } from './scarce.ts'
import { simLease, type SchedulerHost } from './scheduler-host.ts'
import { ToldEnds } from './told-ends.ts'
import type { SimProcess, World } from './world.ts'

/** One fence tick, and what a scheduler of processes may add to it. */
const wakeGraceMs = 1_500
/** A process that SIGKILL finds in an uninterruptible sleep ends a little later: said in the assumptions. */
const stuckGraceMs = wakeGraceMs + 4_000

type BookedFacts = Pick<StoredFacts, 'wanted' | 'memBytes' | 'restartOrder'>

export type Watched = {
  world: World
  scheduler: SchedulerHost
  nodes: readonly NodeHost[]
  people: People
}

/** `node` is the machine, `of` the name that it reports under. */
export type LiveRun = {
  task: string
  epoch: number
  run: number
  node: string
  of: string
  slots: number
  /** In world time. */
  begunAt: number
}

export class Promises {
  readonly #grid: Watched
  readonly #epochs = new Map<string, number>()
  readonly #finished = new Set<number>()
  /** What the scheduler took each node for after its last step. */
  readonly #states = new Map<string, string>()
  readonly #holders: Holders
  readonly #toldEnds: ToldEnds
  /** Newest epoch that a node has told of a task which a restored database does not know. */
  readonly #newest = new Map<string, number>()
  #live: LiveRun[] = []
  #seen = 0
  #seenNodes = 0
  #wasWaking = false
  #of: SchedulerHost['brain'] = null

  constructor(grid: Watched) {
    this.#grid = grid
    this.#holders = new Holders(grid)
    this.#toldEnds = new ToldEnds(grid)
  }

  /** After every step: all that what happened in this process may have changed. */
  check(process: SimProcess | null): void {
    const isScheduler = process !== null && process === this.#grid.scheduler.process
    const isNew = this.#look(isScheduler && this.#holders.look())
    if (isNew) {
      this.#oneCopy(this.#live)
      this.#capacity(this.#live)
    }
    if (isNew || isScheduler) this.#placesOf(this.#live)
    if (isScheduler || isNew) this.#resources(this.#live)
    if (isScheduler) this.#epochsRise()
    if (isScheduler) this.#hearUnknown()
    if (isScheduler) this.#toldEnds.look()
    if (isScheduler) this.#silenceIsReal()
  }

  /** True when what lives may be other than at the last look. */
  #look(isOther: boolean): boolean {
    const { nodes, world } = this.#grid
    let isWaking = false
    // These only rise.
    let seen = 0
    for (const { host, machine } of nodes) {
      seen += host.changes + machine.changes
      // Soon after a wake what counts as living depends on the time.
      if (world.now - host.awakeSince <= stuckGraceMs) isWaking = true
    }
    const isSeen = seen === this.#seen && nodes.length === this.#seenNodes
    if (isSeen && !isOther && !isWaking && !this.#wasWaking) return false
    this.#seen = seen
    this.#seenNodes = nodes.length
    this.#wasWaking = isWaking
    this.#live = liveRuns(this.#grid).filter((run) => !this.#holders.isStray(run))
    return true
  }

  #oneCopy(live: readonly LiveRun[]): void {
    const seen = new Map<string, LiveRun>()
    for (const run of live) {
      const other = seen.get(run.task)
      if (other) throw new Broken(`two copies of ${run.task}: ${said(other)} and ${said(run)}`)
      seen.set(run.task, run)
    }
  }

  #capacity(live: readonly LiveRun[]): void {
    const { nodes, scheduler } = this.#grid
    // What a restored database does not know takes its share where nobody counts it.
    if (scheduler.database > 0) return
    for (const { name, shape } of nodes) {
      const used = live.filter((run) => run.node === name).reduce((sum, run) => sum + run.slots, 0)
      if (used > shape.slots) throw new Broken(`${name} runs ${used} slots of ${shape.slots}`)
    }
  }

  #resources(live: readonly LiveRun[]): void {
    const { brain, isAstray, database } = this.#grid.scheduler
    // A restored database may find more held than it has given: each of two had given it once.
    if (brain !== null && !isAstray && database === 0) checkScarce(brain.state, live)
  }

  /** A slot is free only when nothing lives in it: whatever lives has its place in the scheduler's memory. */
  #placesOf(live: readonly LiveRun[]): void {
    const { brain, isAstray, database } = this.#grid.scheduler
    if (brain === null || isAstray) return
    const { state } = brain
    for (const run of live) {
      // A restored database learns of what runs there when the node has said it.
      const node = state.nodes.get(run.of)
      const isLost = state.wasLost(Number.parseInt(run.task, 10))
      // Until it has our orders in hand, those of the lost database may still reach it.
      const isOurs = node?.ordersFrom === state.incarnation
      if (database > 0 && (isLost || !isOurs || !knowsOf(run, node))) continue
      const found = state.findTaskByKey(run.task)
      const task = found?.job.tasks?.get(found.index)
      const place = task ? placementOf(task.state) : null
      if (place?.node !== run.of || place.epoch !== run.epoch)
        throw new Broken(
          `${said(run)} lives, but its task is ${JSON.stringify(task?.state ?? 'over')}`,
        )
    }
  }

  #epochsRise(): void {
    const { brain, isAstray, database } = this.#grid.scheduler
    if (brain === null || isAstray) return
    // What a restored one had learnt of a node and not written yet, its next start learns again.
    if (brain !== this.#of && database > 0) this.#epochs.clear()
    this.#of = brain
    for (const job of brain.state.jobs.values()) {
      if (this.#finished.has(job.id)) throw new Broken(`job ${job.id} had finished and lives again`)
      for (const task of job.tasks?.values() ?? []) {
        const key = `${job.id}.${task.index}`
        const place = placementOf(task.state)
        // Only what may have left the scheduler counts: a placement is in memory before it is on disk.
        if (place?.known !== true) continue
        const before = this.#epochs.get(key) ?? 0
        if (task.epoch < before)
          throw new Broken(`epoch of ${key} fell from ${before} to ${task.epoch}`)
        this.#epochs.set(key, task.epoch)
      }
    }
  }

  /** Nobody is called silent or lost while what it said lies unread: it was the scheduler that stood still. */
  #silenceIsReal(): void {
    const { scheduler, world } = this.#grid
    for (const [name, since] of scheduler.unread) {
      const state = scheduler.brain?.state.nodes.get(name)?.state
      const before = this.#states.get(name)
      // An operator, too, takes one for lost that is silent.
      const isNew =
        before !== state && (state === 'silent' || (state === 'lost' && before === 'up'))
      if (isNew && world.now - since > simLease.stallMs)
        throw new Broken(
          `${name} is called ${state}, and its report lies unread for ${world.now - since} ms`,
        )
    }
    this.#states.clear()
    for (const { name, state } of scheduler.brain?.state.nodes.values() ?? [])
      this.#states.set(name, state)
  }

  #hearUnknown(): void {
    for (const { unknown } of this.#grid.scheduler.brain?.state.nodes.values() ?? [])
      for (const [task, placements] of unknown)
        for (const { epoch } of placements)
          if (epoch > (this.#newest.get(task) ?? 0)) this.#newest.set(task, epoch)
  }

  /** What a restored database does not know is no less wanted for that, but for what the lost one had placed anew. */
  checkEnd(run: string, cause: Cause | null): void {
    const { brain, database } = this.#grid.scheduler
    if (brain === null || database === 0 || cause?.kind !== 'cancelled') return
    const isByNobody = cause.by === 'scheduler' || cause.by === 'mutant'
    if (!isByNobody || !brain.state.wasLost(Number.parseInt(run, 10))) return
    const { task = '', epoch = 0 } = parseRunKey(run) ?? {}
    if (this.#grid.people.unwanted.has(task)) return
    if (epoch >= (this.#newest.get(task) ?? 0))
      throw new Broken(
        `${run}, which the restored database does not know, was stopped: ${cause.why}`,
      )
  }

  /** The database went back to what it was: what was seen of it since is void. */
  rewind(): void {
    this.#epochs.clear()
    this.#finished.clear()
  }

  /** Now and then: what was acknowledged is on disk for ever. */
  checkBook(): void {
    const { scheduler, people } = this.#grid
    if (scheduler.isAstray) return
    const { engine } = scheduler.disk
    for (const booked of people.jobs.values()) {
      const row = engine.query('job', { id: booked.id })
      if (row === null) throw new Broken(`job ${booked.id} was acknowledged and is not on disk`)
      const { command } = JSON.parse(row.specJson ?? '{}') as { command?: string[] }
      if (row.name !== booked.name || command?.[1] !== booked.token)
        throw new Broken(
          `job ${booked.id} is ${row.name} ${command?.[1]}, not ${booked.name} ${booked.token}`,
        )
      if (row.finishedAt !== null) this.#finished.add(booked.id)
      const facts = factsOf(row.factsJson, row)
      const { wanted } = facts
      if (booked.stopped && row.finishedAt === null && wanted.what !== 'stop')
        throw new Broken(`the stop of job ${booked.id} was acknowledged and is lost`)
      if (row.finishedAt === null) this.#told(booked, { ...facts, priority: row.priority })
    }
    this.#toldOfNodes()
  }

  #told(booked: BookedJob, facts: BookedFacts & { priority: number }): void {
    const { id } = booked
    const { told } = this.#grid.people
    const isStopped = facts.wanted.what === 'stop'
    const why =
      (isStopped ? null : told.whyNot(`job ${id}`, facts.wanted.what)) ??
      told.whyNot(`priority of job ${id}`, String(facts.priority)) ??
      told.whyNot(`memBytes of job ${id}`, String(facts.memBytes))
    if (why !== null) throw new Broken(why)
    if ((facts.restartOrder?.count ?? 0) < booked.restarts)
      throw new Broken(`a restart of job ${id} was acknowledged and is lost`)
  }

  #toldOfNodes(): void {
    const { scheduler, people } = this.#grid
    const snapshot = scheduler.disk.snapshot()
    for (const { name, dataJson } of snapshot.nodes) {
      const { operatorCordon, drain } = JSON.parse(dataJson) as StoredNode
      const why =
        people.told.whyNot(`cordon of ${name}`, String(operatorCordon !== null)) ??
        people.told.whyNot(`drain of ${name}`, String(drain !== null))
      if (why !== null) throw new Broken(why)
    }
    for (const { owner, name } of people.schedules.values()) {
      const isThere = snapshot.schedules.some((row) => row.owner === owner && row.name === name)
      const why = people.told.whyNot(`schedule ${name} of ${owner}`, String(isThere))
      if (why !== null) throw new Broken(why)
    }
  }
}

/** In a restored database a name may be another machine's than it was: who is refused is not heard. */
const knowsOf = (run: LiveRun, node: LiveNode | undefined): boolean =>
  node?.synced === true &&
  node.facts !== null &&
  machineOf(node.facts.bootId) === run.node &&
  !node.unknown.has(run.task)

const said = (run: LiveRun): string =>
  `${run.task} epoch ${run.epoch} run ${run.run} on ${run.node}`

/** What lives now, on machines that run; a machine that just woke has one fence tick to kill what is over. */
export function liveRuns({ nodes, world }: Pick<Watched, 'nodes' | 'world'>): LiveRun[] {
  const live: LiveRun[] = []
  for (const { host, machine, name, identity, begunAt } of nodes) {
    if (!host.isOn || host.isAsleep || world.now - host.awakeSince < wakeGraceMs) continue
    for (const { plan, killed } of machine.living()) {
      if (killed && world.now - host.awakeSince < stuckGraceMs) continue
      const parts = parseRunKey(plan.key)
      const slots = plan.limits.cpuWeight / 1024
      const { node: of } = identity
      if (parts) live.push({ ...parts, node: name, of, slots, begunAt: begunAt.get(plan.key) ?? 0 })
    }
  }
  return live
}

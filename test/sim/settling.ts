/** After the faults: within a bound all work comes to its end, and the grid is as its people want it. */
import { parseRunKey } from '../../exec-node/core/record.ts'
import type { TaskStateName } from '../../proto/job.ts'
import { Broken } from './broken.ts'
import { machineOf } from './holders.ts'
import { liveRuns, type Watched } from './promises.ts'

const stepMs = 3_000
const boundMs = 1_500_000
/** As long as people ask again for what nobody answered. */
const tryAgainMs = 40_000

export async function settleAll(
  grid: Watched,
  finish: (ms: number) => Promise<void>,
): Promise<void> {
  const { world } = grid
  const calmSince = world.now
  const until = async (what: string, isDone: () => string | null): Promise<void> => {
    const end = world.now + boundMs
    for (let why = isDone(); why !== null; why = isDone()) {
      if (world.now > end) throw new Broken(`${what}, but after ${boundMs / 1000} s: ${why}`)
      await finish(stepMs)
    }
  }
  await until('a scheduler that serves', () =>
    grid.scheduler.brain === null ? 'it does not' : null,
  )
  await until('every name is its first machine’s', () => usurped(grid))
  await asked(closing(grid), finish)
  await until('drains end', () => drainsLeft(grid))
  // Once more: what people had asked for before may have arrived since.
  await finish(Math.max(0, calmSince + tryAgainMs - world.now))
  await asked(
    closing(grid).then(() => reopen(grid)),
    finish,
  )
  // What a machine that is gone had said may have been read late.
  const trouble = (): string | null => usurped(grid) ?? unrest(grid)
  await until('all work comes to rest', trouble)
  // And it stays so.
  await finish(20_000)
  await until('all work stays at rest', trouble)
  // What a restored database does not know has run on until now.
  await asked(stopUnknown(grid), finish)
  await until('nothing unknown is left', () => trouble() ?? unknownLeft(grid))
}

/** Time goes on until what was asked is answered. */
export async function asked(
  what: Promise<void>,
  finish: (ms: number) => Promise<void>,
): Promise<void> {
  const state = { isOver: false }
  const over = what.finally(() => (state.isOver = true))
  while (!state.isOver) await finish(1_000)
  await over
}

/** Schedules rest, holds end; of several drains one goes on, so that its work has somewhere to go. */
async function closing({ people, scheduler }: Watched): Promise<void> {
  // Clocks are right again, and an operator says so.
  await people.confirmClock()
  for (const { owner, name, paused } of [...(scheduler.brain?.state.schedules.values() ?? [])])
    if (paused === null) await people.onSchedule('pauseSchedule', { owner, name, removed: false })
  for (const { id, owner, wanted, tasks } of [...(scheduler.brain?.state.jobs.values() ?? [])]) {
    // A hold leaves what is frozen as it is: such a job needs both.
    const frozen = [...(tasks?.values() ?? [])].some((task) => task.suspend)
    if (wanted.what === 'hold') await people.onJob('release', { id, owner })
    if (wanted.what === 'suspend' || frozen) await people.onJob('resume', { id, owner })
  }
  let drains = 0
  for (const node of [...(scheduler.brain?.state.nodes.values() ?? [])]) {
    if (node.drain !== null) drains += 1
    if (node.drain !== null && drains > 1) await people.onNode('undrain', node.name)
    if (node.operatorCordon || node.twinCordon || node.quarantine !== null)
      await people.onNode('uncordon', node.name)
  }
}

/** A machine that took over a name is gone: an operator, who has looked, gives the name back. */
function usurped({ nodes, people, scheduler }: Watched): string | null {
  const { brain } = scheduler
  if (brain === null) return 'no scheduler'
  for (const { identity, name } of nodes) {
    const node = brain.state.nodes.get(identity.node)
    const holder = node?.facts ? machineOf(node.facts.bootId) : name
    if (holder === name) {
      if (!node?.twinCordon) continue
      void people.onNode('uncordon', identity.node)
      return `${identity.node} is cordoned for its twin`
    }
    if (node?.state !== 'up') void people.onNode('lose', identity.node)
    return `${identity.node} is ${holder}`
  }
  return null
}

async function reopen({ people, scheduler }: Watched): Promise<void> {
  for (const node of [...(scheduler.brain?.state.nodes.values() ?? [])])
    if (node.drain !== null) await people.onNode('undrain', node.name)
}

function drainsLeft({ scheduler }: Watched): string | null {
  // What a restored database knows nothing of is moved by nobody.
  const isStuck = (unknown: number) => scheduler.database > 0 && unknown > 0
  for (const { name, drain, tasks, unknown } of scheduler.brain?.state.nodes.values() ?? [])
    if (drain !== null && drain.doneAt === null && !isStuck(unknown.size))
      return `${name} still holds ${[...tasks].join(' ')}`
  return null
}

function unrest(grid: Watched): string | null {
  const state = grid.scheduler.brain?.state
  if (!state) return 'no scheduler'
  for (const { name } of grid.nodes) {
    const node = state.nodes.get(name)
    if (node?.state !== 'up') return `${name} is ${node?.state ?? 'unknown'}`
  }
  const live = liveRuns(grid)
  // Of two copies of a task that a restored database does not know the older one is stopped.
  const twice = live.find(({ task }, at) => live.findIndex((run) => run.task === task) < at)
  if (twice !== undefined) return `${twice.task} has two copies, one of them on ${twice.node}`
  const isFine: Partial<Record<TaskStateName, true>> = {
    running: true,
    backoff: true,
    pending: true,
  }
  for (const job of state.jobs.values()) {
    if (job.kind === 'task') return `one-off ${job.id} has not ended: ${tasksOf(job)}`
    if (job.wanted.what !== 'run')
      return `job ${job.id} is wanted ${job.wanted.what}: ${tasksOf(job)}`
    const [task] = job.tasks?.values() ?? []
    if (task === undefined || isFine[task.state.is] !== true)
      return `job ${job.id} is ${tasksOf(job)}`
    const { isShort = true, restartAskedAt = 0 } = grid.people.jobs.get(job.id) ?? {}
    const copies = live.filter((run) => run.task === `${job.id}.${task.index}`)
    if (!isShort && (copies.length !== 1 || task.state.is !== 'running'))
      return `bot ${job.id} has ${copies.length} copies and is ${tasksOf(job)}`
    if (copies.some(({ begunAt }) => begunAt < restartAskedAt))
      return `bot ${job.id} runs since before its restart, which was acknowledged`
  }
  // What a restored database knows nothing of runs on, and waits for an operator.
  return grid.scheduler.database > 0 ? null : unknownLeft(grid)
}

async function stopUnknown({ people, scheduler }: Watched): Promise<void> {
  const tasks = [...(scheduler.brain?.state.nodes.values() ?? [])].flatMap((node) => [
    ...node.unknown.keys(),
    ...node.oddities.flatMap(({ key }) => parseRunKey(key)?.task ?? []),
  ])
  for (const task of new Set(tasks)) await people.stopUnknown(task)
}

function unknownLeft(grid: Watched): string | null {
  const state = grid.scheduler.brain?.state
  if (!state) return 'no scheduler'
  for (const { name, unknown, unwanted } of state.nodes.values()) {
    if (unknown.size > 0) return `${name} runs unknown ${[...unknown.keys()].join(' ')}`
    if (unwanted.length > 0) return `${name} has told nothing of a stop of ${unwanted[0]?.task}`
  }
  const stray = liveRuns(grid).find((run) => state.findTaskByKey(run.task) === null)
  return stray ? `${stray.task} runs on ${stray.node} and nobody knows it` : null
}

const tasksOf = (job: { tasks: Map<number, { state: unknown }> | null }): string =>
  JSON.stringify([...(job.tasks?.values() ?? [])].map(({ state }) => state))

/** Memory against disk: a scheduler that started now would know what this one knows. */
import { loadState } from '../../scheduler/brain/load.ts'
import { jobRow, taskRow } from '../../scheduler/brain/rows.ts'
import { placementOf } from '../../scheduler/core/task-state.ts'
import { GridState } from '../../scheduler/state/grid.ts'
import { storedNode } from '../../scheduler/state/live-node.ts'
import { silentLog } from '../../src/lib/log.ts'
import { Broken } from './broken.ts'
import type { Watched } from './promises.ts'
import { checkBooks } from './scarce.ts'

/** Compares where nothing is under way; true when it did. */
export async function checkAgreement({ scheduler }: Watched): Promise<boolean> {
  const { brain, disk } = scheduler
  if (brain === null || disk.busy > 0) return false
  let isSettled = false
  void brain.settled().then(
    () => (isSettled = true),
    () => {},
  )
  await Promise.resolve()
  await Promise.resolve()
  if (!isSettled) return false
  const stored = new GridState()
  loadState(stored, disk.snapshot(), silentLog)
  checkRoom(brain.state)
  checkBooks(brain.state)
  const inMemory = digest(brain.state)
  const onDisk = digest(stored)
  for (const key of new Set([...inMemory.keys(), ...onDisk.keys()])) {
    const [memory, disk] = [inMemory.get(key), onDisk.get(key)]
    if (memory !== disk) throw new Broken(`${key}\n  in memory ${memory}\n  on disk   ${disk}`)
  }
  return true
}

/** What is taken of each node is what its tasks take, what nobody knows there, and what is reserved. */
function checkRoom(state: GridState): void {
  for (const { name, slots, freeSlots, tasks, reserved } of state.capacity.nodes()) {
    const known = [...state.jobs.values()].flatMap((job) =>
      [...(job.tasks?.values() ?? [])]
        .filter((task) => placementOf(task.state)?.node === name)
        .map(() => job.shape.slots),
    )
    const unknown = [...(state.nodes.get(name)?.unknown.values() ?? [])].flat()
    const here = [...known, ...unknown.map(({ shape }) => shape.slots)]
    const taken = here.reduce((sum, one) => sum + one, 0)
    const isTaken = reserved > 0 ? slots - freeSlots >= taken : slots - freeSlots === taken
    if (tasks !== here.length || !isTaken)
      throw new Broken(
        `${name}: ${tasks} tasks and ${slots - freeSlots} slots are booked, ${here.length} and ${taken} are there`,
      )
  }
}

function digest(state: GridState): Map<string, string> {
  const facts = new Map<string, string>()
  for (const job of state.jobs.values()) {
    const row = jobRow(job, null)
    facts.set(`job ${job.id}`, JSON.stringify({ ...row, placed: job.placed }))
    facts.set(`untouched of job ${job.id}`, JSON.stringify(job.untouched.stretches))
    for (const task of job.tasks?.values() ?? [])
      facts.set(`task ${job.id}.${task.index}`, JSON.stringify(taskRow(task)))
  }
  for (const node of state.nodes.values()) {
    // When it last reported is no decision: it is written with the next one.
    const stored = { ...storedNode(node), lastReportAt: null, incarnation: null }
    facts.set(`node ${node.name}`, JSON.stringify(stored))
    facts.set(`tasks on ${node.name}`, [...node.tasks].sort().join(' '))
  }
  for (const name of state.capacity.resources.names()) {
    const { total = null, nodes = [] } = state.capacity.resources.totals(name) ?? {}
    facts.set(`resource ${name}`, JSON.stringify([total, Object.fromEntries(nodes)]))
  }
  for (const { owner, name, cursorAt, paused, queue } of state.schedules.values())
    facts.set(`schedule ${owner} ${name}`, JSON.stringify({ cursorAt, paused, queue }))
  return facts
}

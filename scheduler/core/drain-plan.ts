/**
 * What a drain does next with each task of its node. Continuous jobs move: their next place is reserved
 * before they are stopped. One-offs may finish until the deadline. The plan changes nothing; it is made
 * anew whenever something has changed, and with `--dry-run` it is only shown.
 */
import type { JobKind, TaskStateName } from '../../proto/job.ts'
import type { DrainEnd, DrainStep } from '../../proto/node.ts'
import { explainWaiting } from './explain.ts'
import type { Capacity } from './placement/capacity.ts'
import type { Shape } from './placement/shape.ts'

export type DrainTask = {
  task: string
  name: string
  owner: string
  kind: JobKind
  shape: Shape
  state: TaskStateName
  onNodeSince: number
  /** Nodes on which it just failed. */
  avoid?: readonly string[]
}

export type DrainInput = {
  node: string
  /** All that hold a place on the node. */
  tasks: readonly DrainTask[]
  capacity: Capacity
  drain: {
    deadlineAt: number | null
    then: DrainEnd
    atOnce: number
    /** Tasks under way -> node where their place is reserved; also those that have left but do not run yet. */
    moving: Readonly<Record<string, string>>
  }
}

export type DrainPlan = {
  /** To be reserved and then stopped now; a task that moves already gets another target this way. */
  moves: { task: string; to: string }[]
  finish: string[]
  noRoom: { task: string; missing: string }[]
  /** The deadline has passed for these. */
  expired: { task: string; what: 'requeue' | 'kill' }[]
  /** Nothing holds a place on the node. */
  done: boolean
  steps: DrainStep[]
}

/** What becomes of one task: the step that people see, and what the plan does now. */
type Verdict = Pick<DrainStep, 'what' | 'to' | 'detail'> & {
  act: 'move' | 'finish' | 'no-room' | 'requeue' | 'kill' | null
}

export function planDrain(input: DrainInput, now: number): DrainPlan {
  const desk = new Desk(input, now)
  const plan: DrainPlan = {
    moves: [],
    finish: [],
    noRoom: [],
    expired: [],
    done: input.tasks.length === 0,
    steps: [],
  }
  for (const one of input.tasks.toSorted(inOrder)) {
    const { task, name, owner } = one
    const { act, what, to, detail } = desk.judge(one)
    plan.steps.push({ task, name, owner, what, to, detail })
    if (act === 'move' && to !== null) plan.moves.push({ task, to })
    if (act === 'finish') plan.finish.push(task)
    if (act === 'no-room') plan.noRoom.push({ task, missing: detail })
    if (act === 'requeue' || act === 'kill') plan.expired.push({ task, what: act })
  }
  desk.close()
  return plan
}

const inOrder = (a: DrainTask, b: DrainTask): number =>
  a.onNodeSince - b.onNodeSince || compare(a.name, b.name) || compare(a.task, b.task)
const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)

/** Judges the tasks in order; places that it plans with are held while it works, and given back at the end. */
class Desk {
  readonly #input: DrainInput
  readonly #expired: boolean
  readonly #held: string[] = []
  readonly #missing = new Map<string, string>()
  #turnsLeft: number

  constructor(input: DrainInput, now: number) {
    const { deadlineAt, atOnce, moving } = input.drain
    this.#input = input
    this.#expired = deadlineAt !== null && now >= deadlineAt
    this.#turnsLeft = Math.max(0, atOnce - Object.keys(moving).length)
  }

  judge(one: DrainTask): Verdict {
    const target = this.#input.drain.moving[one.task]
    if (target !== undefined) return this.#underWay(one, target)
    if (one.state === 'unreachable') {
      const detail = 'gone when its lease is over or its loss is confirmed'
      return { act: null, what: 'unreachable', to: null, detail }
    }
    if (one.state === 'stopping') {
      return { act: null, what: 'finish', to: null, detail: 'was told to stop' }
    }
    return one.kind === 'continuous' ? this.#move(one) : this.#finish(one)
  }

  close(): void {
    for (const name of this.#held) this.#input.capacity.release(name)
  }

  #underWay(one: DrainTask, target: string): Verdict {
    if (this.#input.capacity.node(target)?.closed === null) {
      return { act: null, what: 'moving', to: target, detail: `its place on ${target} is reserved` }
    }
    const to = this.#find(one)
    const gone = `${target} takes no new work any more`
    if (to !== null) return { act: 'move', what: 'moving', to, detail: `${gone}: to ${to} instead` }
    return { act: null, what: 'moving', to: null, detail: `${gone}, and no other node has room` }
  }

  #move(one: DrainTask): Verdict {
    const to = this.#find(one)
    if (to === null) return this.#noRoom(one)
    // Past the deadline nobody waits for a turn: stopped with a reserved place is better than without.
    if (this.#turnsLeft <= 0 && !this.#expired) {
      const detail = `moves in its turn, ${this.#input.drain.atOnce} at once`
      return { act: null, what: 'move', to, detail }
    }
    this.#turnsLeft -= 1
    return { act: 'move', what: 'move', to, detail: `moves to ${to}` }
  }

  /** A continuous job is never killed for good by a drain: past the deadline it waits for another place. */
  #noRoom(one: DrainTask): Verdict {
    const missing = this.#whatIsMissing(one.shape)
    if (this.#expired && this.#input.drain.then !== 'wait') {
      const detail = `stopped at the deadline, waits for a place: ${missing}`
      return { act: 'requeue', what: 'no-room', to: null, detail }
    }
    return { act: 'no-room', what: 'no-room', to: null, detail: missing }
  }

  #finish(one: DrainTask): Verdict {
    const { deadlineAt, then } = this.#input.drain
    if (this.#expired && then !== 'wait') {
      const detail = then === 'kill' ? 'ended at the deadline' : 'starts again elsewhere'
      return { act: then, what: 'finish', to: null, detail }
    }
    const until = deadlineAt === null || then === 'wait' ? '' : ' until the deadline'
    const suspended = one.state === 'suspended' ? ', but is suspended' : ''
    return { act: 'finish', what: 'finish', to: null, detail: `may finish${until}${suspended}` }
  }

  #find(one: DrainTask): string | null {
    const { capacity, node } = this.#input
    const room = capacity.freeForMove(one.shape, one.avoid ?? [], [node])
    if (room === null) return null
    const name = `plan ${one.task}`
    capacity.reserve(name, room.name, one.shape)
    this.#held.push(name)
    return room.name
  }

  #whatIsMissing(shape: Shape): string {
    const known = this.#missing.get(shape.request)
    if (known !== undefined) return known
    const { capacity, node } = this.#input
    const context = { blockedBy: [], avoid: [], never: [node], ahead: null }
    const others = explainWaiting(shape, capacity, context).reasons.filter(
      ({ code }) => code !== 'excluded',
    )
    const missing =
      others.length === 0
        ? 'there is no other node'
        : `no other node has room: ${others.map(({ detail }) => detail).join('; ')}`
    this.#missing.set(shape.request, missing)
    return missing
  }
}

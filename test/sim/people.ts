/** What owners and operators do, and what they were told: the book against which the promises are held. */
import type { JobRequest } from '../../proto/job.ts'
import type { Caller } from '../../scheduler/brain/call.ts'
import type { Behaviour } from './behaviour.ts'
import type { Client } from './client.ts'
import type { NodeHost } from './node-host.ts'
import type { Random } from './random.ts'
import { bot, oneOff, schedule } from './requests.ts'
import { withAsks } from './scarce.ts'
import { Told } from './told.ts'
import type { World } from './world.ts'

export type BookedJob = {
  id: number
  token: string
  name: string
  owner: string
  kind: 'task' | 'continuous'
  /** Ends soon after each start. */
  isShort: boolean
  stopped: boolean
  /** So many restarts were acknowledged, the newest of them asked for then, in world time. */
  restarts: number
  restartAskedAt: number
}

/** What people know: the answers that they got, of one database. */
export type Book = {
  jobs: Map<number, BookedJob>
  told: Told
  schedules: Map<string, BookedSchedule>
}
export type BookedSchedule = {
  owner: string
  name: string
  expression: string
  tz: string
  removed: boolean
}

const owners = ['alice', 'bob', 'carol'] as const
const operator: Caller = { owner: 'olga', rights: 'operator', from: 'sim' }
const mostContinuous = 4

/** What a job is wanted to be after each; a hold outlasts a suspension and its end. */
const wanted = {
  stop: 'stop',
  hold: 'hold',
  release: 'run|suspend',
  suspend: 'suspend|hold',
  resume: 'run|hold',
  restart: null,
} as const

/** A node that was removed begins anew when it reports again. */
const nodeWanted = {
  cordon: { of: ['cordon'], value: 'true' },
  uncordon: { of: ['cordon'], value: 'false' },
  drain: { of: ['drain'], value: 'true' },
  undrain: { of: ['drain'], value: 'false' },
  lose: { of: [], value: '' },
  remove: { of: ['cordon', 'drain'], value: 'true|false' },
} as const

export type PeopleDo = keyof typeof deeds

const deeds = {
  oneOff: 10,
  array: 3,
  continuous: 6,
  stop: 5,
  hold: 2,
  release: 3,
  suspend: 1,
  resume: 2,
  restart: 4,
  edit: 2,
  schedule: 3,
  runSchedule: 1,
  removeSchedule: 0.5,
  cordon: 2,
  uncordon: 3,
  drain: 4,
  undrain: 4,
  lose: 3,
  remove: 2,
  confirmClock: 0.5,
}

export class People {
  jobs = new Map<number, BookedJob>()
  schedules = new Map<string, BookedSchedule>()
  told = new Told()
  /** Asked for, no answer yet or none for ever: may exist or not. */
  doubtful = 0
  /** Where the grid has named resources. */
  asksForScarce = false
  readonly #world: World
  /** Tasks which a restored database does not know, and an operator stops. */
  readonly unwanted = new Set<string>()
  readonly #random: Random
  readonly #client: Client
  readonly #nodes: readonly NodeHost[]
  #tokens = 0

  constructor(world: World, random: Random, client: Client, nodes: readonly NodeHost[]) {
    this.#world = world
    this.#random = random
    this.#client = client
    this.#nodes = nodes
  }

  /** What is known now, for the time when the database goes back to what it holds now. */
  save(): Book {
    return {
      jobs: new Map([...this.jobs].map(([id, job]) => [id, { ...job }])),
      schedules: new Map([...this.schedules].map(([name, one]) => [name, { ...one }])),
      told: this.told.copy(),
    }
  }

  rewind(book: Book): void {
    this.jobs = new Map([...book.jobs].map(([id, job]) => [id, { ...job }]))
    this.schedules = new Map([...book.schedules].map(([name, one]) => [name, { ...one }]))
    const told = book.told.copy()
    told.doubtAllOf(this.told)
    this.told = told
  }

  get bots(): BookedJob[] {
    return [...this.jobs.values()].filter((job) => job.kind === 'continuous' && !job.stopped)
  }

  act(): void {
    void this.do(this.#random.weighted(deeds))
  }

  async do(what: PeopleDo): Promise<void> {
    if (what === 'oneOff' || what === 'array') return this.#submit(this.#oneOff(what === 'array'))
    if (what === 'continuous') return this.#submit(this.#botOrOneOff())
    if (what === 'schedule') return this.#addSchedule()
    if (what === 'runSchedule' || what === 'removeSchedule') return this.#onSchedule(what)
    if (what === 'edit') return this.#edit()
    if (what === 'confirmClock') return this.confirmClock()
    const isOnNode = ['cordon', 'uncordon', 'drain', 'undrain', 'lose', 'remove'].includes(what)
    if (isOnNode) return this.#onNode(what as 'drain')
    return this.#onJob(what as 'stop')
  }

  #caller(owner: string): Caller {
    return { owner, rights: 'user', from: 'sim' }
  }

  async #submit(request: JobRequest, owner = this.#random.pick(owners) ?? 'alice'): Promise<void> {
    const token = request.command[1] ?? ''
    this.doubtful += 1
    const sent = await this.#client.ask('submitJob', this.#caller(owner), {
      params: {},
      query: {},
      body: this.asksForScarce ? withAsks(request) : request,
    })
    if (sent === null) return
    this.doubtful -= 1
    if (!sent.ok) return this.#world.note(`${owner}: submit ${token} refused: ${sent.refusal.code}`)
    const { job: id, name } = JSON.parse(sent.text) as { job: number; name: string }
    const kind = request.kind ?? 'task'
    const behaviour = JSON.parse(request.command[2] ?? '{}') as Behaviour
    const isShort = kind === 'task' || typeof behaviour.endsAfterMs === 'number'
    const untouched = { stopped: false, restarts: 0, restartAskedAt: 0 }
    this.jobs.set(id, { id, token, name, owner, kind, isShort, ...untouched })
    this.#world.note(`${owner}: job ${id} submitted (${kind} ${token})`)
  }

  #oneOff(isArray: boolean): JobRequest {
    const known = [...this.jobs.values()].filter((job) => job.kind === 'task')
    const before = this.#random.chance(0.15) ? this.#random.pick(known) : undefined
    return oneOff(this.#random, { token: this.#token(), isArray, after: before?.id ?? null })
  }

  #botOrOneOff(): JobRequest {
    return this.bots.length >= mostContinuous
      ? this.#oneOff(false)
      : bot(this.#random, this.#token())
  }

  #token(): string {
    this.#tokens += 1
    return `t${this.#tokens}`
  }

  #someJob(): BookedJob | undefined {
    return this.#random.pick([...this.jobs.values()].slice(-12))
  }

  async #onJob(
    what: 'stop' | 'hold' | 'release' | 'suspend' | 'resume' | 'restart',
  ): Promise<void> {
    const job = this.#someJob()
    if (job) await this.onJob(what, job)
  }

  async onJob(
    what: 'stop' | 'hold' | 'release' | 'suspend' | 'resume' | 'restart',
    job: Pick<BookedJob, 'id' | 'owner'>,
  ): Promise<void> {
    const body = { jobs: [String(job.id)] }
    const request = { params: {}, query: {}, body }
    const answer = wanted[what] === null ? null : this.told.asked(`job ${job.id}`, wanted[what])
    const askedAt = this.#world.now
    const sent = await this.#client.ask(`${what}Jobs`, this.#caller(job.owner), request)
    const { done } = JSON.parse(sent?.ok === true ? sent.text : '{"done":[]}') as {
      done: unknown[]
    }
    answer?.(sent === null ? 'unanswered' : done.length > 0 ? 'done' : 'refused')
    if (done.length === 0) return
    const booked = this.jobs.get(job.id)
    if (what === 'stop' && booked) booked.stopped = true
    if (what === 'restart' && booked) {
      booked.restarts += 1
      booked.restartAskedAt = Math.max(booked.restartAskedAt, askedAt)
    }
    this.#world.note(`${job.owner}: ${what} of job ${job.id} acknowledged`)
  }

  /** An operator's stop of what a restored database does not know. */
  async stopUnknown(task: string): Promise<void> {
    this.unwanted.add(task)
    const request = { params: {}, query: {}, body: { jobs: [task] } }
    const sent = await this.#client.ask('stopJobs', operator, request)
    if (sent?.ok === true) this.#world.note(`operator: stop of unknown ${task} acknowledged`)
  }

  async #edit(): Promise<void> {
    const job = this.#someJob()
    if (!job) return
    const field = this.#random.chance(0.5) ? 'priority' : 'memBytes'
    const value =
      field === 'priority' ? this.#random.int(-5, 0) : 2 ** 20 * this.#random.int(16, 64)
    const answer = this.told.asked(`${field} of job ${job.id}`, String(value))
    const sent = await this.#client.ask('editJob', this.#caller(job.owner), {
      params: { job: String(job.id) },
      query: {},
      body: { [field]: value },
    })
    answer(sent === null ? 'unanswered' : sent.ok ? 'done' : 'refused')
    if (sent?.ok === true) this.#world.note(`${job.owner}: edit of job ${job.id} acknowledged`)
  }

  async #addSchedule(): Promise<void> {
    if (this.schedules.size >= 3) return
    const random = this.#random
    const owner = random.pick(owners) ?? 'alice'
    const name = `cron${this.schedules.size + 1}`
    const request = schedule(random, name, this.#token())
    const answer = this.told.asked(`schedule ${name} of ${owner}`, 'true')
    const sent = await this.#client.ask('addSchedule', this.#caller(owner), {
      params: {},
      query: {},
      body: request,
    })
    answer(sent === null ? 'unanswered' : sent.ok ? 'done' : 'refused')
    if (sent?.ok !== true) return
    const { expression, tz = 'UTC' } = request
    this.schedules.set(name, { owner, name, expression, tz, removed: false })
    this.#world.note(`${owner}: schedule ${name} added`)
  }

  async #onSchedule(what: 'runSchedule' | 'removeSchedule' | 'pauseSchedule'): Promise<void> {
    const schedule = this.#random.pick([...this.schedules.values()].filter((one) => !one.removed))
    if (schedule) await this.onSchedule(what, schedule)
  }

  async onSchedule(
    what: 'runSchedule' | 'removeSchedule' | 'pauseSchedule',
    schedule: Pick<BookedSchedule, 'owner' | 'name'> & { removed: boolean },
  ): Promise<boolean> {
    const request = { params: { schedule: schedule.name }, query: {}, body: {} }
    const { owner, name } = schedule
    const isRemoval = what === 'removeSchedule'
    const answer = isRemoval ? this.told.asked(`schedule ${name} of ${owner}`, 'false') : null
    const sent = await this.#client.ask(what, this.#caller(owner), request)
    answer?.(sent === null ? 'unanswered' : sent.ok ? 'done' : 'refused')
    if (sent?.ok === true) {
      if (what === 'removeSchedule') schedule.removed = true
      this.#world.note(`${schedule.owner}: ${what} ${schedule.name} acknowledged`)
    }
    return sent !== null
  }

  async confirmClock(): Promise<void> {
    const sent = await this.#client.ask('confirmClock', operator, {
      params: {},
      query: {},
      body: {},
    })
    if (sent?.ok === true) this.#world.note('operator: the clock is right')
  }

  async #onNode(
    what: 'cordon' | 'uncordon' | 'drain' | 'undrain' | 'lose' | 'remove',
  ): Promise<void> {
    // An operator who confirms a loss has looked: the machine is off.
    const isOff = (name: string) =>
      this.#nodes.every(({ identity, host }) => identity.node !== name || !host.isOn)
    const possible =
      what === 'lose' ? this.#nodes.filter(({ identity }) => isOff(identity.node)) : this.#nodes
    const node = this.#random.pick(possible)
    if (node) await this.onNode(what, node.identity.node)
  }

  async onNode(
    what: 'cordon' | 'uncordon' | 'drain' | 'undrain' | 'lose' | 'remove',
    node: string,
  ): Promise<boolean> {
    const random = this.#random
    const deadline = random.chance(0.5) ? { deadlineMs: random.int(1_000, 60_000) } : {}
    const body = what === 'drain' ? { ...deadline, atOnce: random.int(1, 4) } : {}
    const request = { params: { node }, query: {}, body }
    const state = nodeWanted[what]
    const answers = state.of.map((name) => this.told.asked(`${name} of ${node}`, state.value))
    const sent = await this.#client.ask(`${what}Node`, operator, request)
    for (const answer of answers)
      answer(sent === null ? 'unanswered' : sent.ok ? 'done' : 'refused')
    if (sent?.ok === true) this.#world.note(`operator: ${what} ${node} acknowledged`)
    return sent !== null
  }
}

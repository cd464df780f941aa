/** What owners and operators do, and what they were told: the book against which the promises are held. */
import type { JobRequest } from '../../proto/job.ts'
import type { Caller } from '../../scheduler/brain/call.ts'
import { commandOf, type Behaviour } from './behaviour.ts'
import type { Client } from './client.ts'
import type { NodeHost } from './node-host.ts'
import type { Random } from './random.ts'
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
}

const owners = ['alice', 'bob', 'carol'] as const
const operator: Caller = { owner: 'olga', rights: 'operator', from: 'sim' }
const mostContinuous = 4

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
  schedule: 2,
  runSchedule: 1,
  removeSchedule: 0.5,
  cordon: 2,
  uncordon: 3,
  drain: 4,
  undrain: 4,
  lose: 3,
  remove: 2,
}

export class People {
  readonly jobs = new Map<number, BookedJob>()
  readonly schedules = new Map<string, { owner: string; name: string; removed: boolean }>()
  /** Asked for, no answer yet or none for ever: may exist or not. */
  doubtful = 0
  readonly #world: World
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

  act(): void {
    void this.do(this.#random.weighted(deeds))
  }

  async do(what: PeopleDo): Promise<void> {
    if (what === 'oneOff' || what === 'array') return this.#submit(this.#oneOff(what === 'array'))
    if (what === 'continuous') return this.#submit(this.#bot())
    if (what === 'schedule') return this.#addSchedule()
    if (what === 'runSchedule' || what === 'removeSchedule') return this.#onSchedule(what)
    if (what === 'edit') return this.#edit()
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
      body: request,
    })
    if (sent === null) return
    this.doubtful -= 1
    if (!sent.ok) return this.#world.note(`${owner}: submit ${token} refused: ${sent.refusal.code}`)
    const { job: id, name } = JSON.parse(sent.text) as { job: number; name: string }
    const kind = request.kind ?? 'task'
    const behaviour = JSON.parse(request.command[2] ?? '{}') as Behaviour
    const isShort = kind === 'task' || typeof behaviour.endsAfterMs === 'number'
    this.jobs.set(id, { id, token, name, owner, kind, isShort, stopped: false })
    this.#world.note(`${owner}: job ${id} submitted (${kind} ${token})`)
  }

  #token(): string {
    this.#tokens += 1
    return `t${this.#tokens}`
  }

  #stubborn(): Behaviour {
    const random = this.#random
    return {
      stopsAfterMs: random.chance(0.2) ? null : random.int(1, 3_000),
      stuckMs: random.chance(0.1) ? random.int(500, 4_000) : 0,
      leftoverMs: random.chance(0.2) ? random.int(100, 4_000) : 0,
    }
  }

  #oneOff(isArray: boolean): JobRequest {
    const random = this.#random
    const code = random.chance(0.3) ? 1 : 0
    const behaviour: Behaviour = {
      ...this.#stubborn(),
      endsAfterMs: random.int(10, 30_000),
      cause: { kind: 'exit', code },
    }
    const known = [...this.jobs.values()].filter((job) => job.kind === 'task')
    const before = random.chance(0.15) ? random.pick(known) : undefined
    const after = before ? { after: [{ job: String(before.id), on: 'any' as const }] } : {}
    return {
      ...after,
      command: commandOf(this.#token(), behaviour),
      cwd: '/home',
      name: 'task',
      kind: 'task',
      slots: random.int(1, 2),
      retry: random.int(0, 2),
      hold: random.chance(0.1),
      stop: { signal: 'SIGTERM', graceMs: random.int(100, 5_000) },
      ...(random.chance(0.1) ? { timeMs: random.int(1_000, 10_000) } : {}),
      ...(isArray ? { array: { from: 1, to: random.int(2, 12), step: 1 } } : {}),
      ...(isArray && random.chance(0.5) ? { maxRunning: random.int(1, 3) } : {}),
      ...(random.chance(0.2) ? { onPartition: 'stop' as const } : {}),
    }
  }

  #bot(): JobRequest {
    const random = this.#random
    const live = [...this.jobs.values()].filter((job) => job.kind === 'continuous' && !job.stopped)
    if (live.length >= mostContinuous) return this.#oneOff(false)
    const ends = random.chance(0.3) ? { endsAfterMs: random.int(100, 20_000) } : {}
    return {
      command: commandOf(this.#token(), { ...this.#stubborn(), ...ends }),
      cwd: '/home',
      name: `bot${random.int(1, 5)}`,
      kind: 'continuous',
      stop: { signal: 'SIGTERM', graceMs: random.int(100, 8_000) },
    }
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
    const sent = await this.#client.ask(`${what}Jobs`, this.#caller(job.owner), request)
    if (sent === null || !sent.ok) return
    const { done } = JSON.parse(sent.text) as { done: unknown[] }
    if (done.length === 0) return
    const booked = this.jobs.get(job.id)
    if (what === 'stop' && booked) booked.stopped = true
    this.#world.note(`${job.owner}: ${what} of job ${job.id} acknowledged`)
  }

  async #edit(): Promise<void> {
    const job = this.#someJob()
    if (!job) return
    const sent = await this.#client.ask('editJob', this.#caller(job.owner), {
      params: { job: String(job.id) },
      query: {},
      body: this.#random.chance(0.5)
        ? { priority: this.#random.int(-5, 0) }
        : { memBytes: 2 ** 20 * this.#random.int(16, 64) },
    })
    if (sent?.ok === true) this.#world.note(`${job.owner}: edit of job ${job.id} acknowledged`)
  }

  async #addSchedule(): Promise<void> {
    if (this.schedules.size >= 3) return
    const random = this.#random
    const owner = random.pick(owners) ?? 'alice'
    const name = `cron${this.schedules.size + 1}`
    const behaviour = { endsAfterMs: random.int(100, 90_000) }
    const sent = await this.#client.ask('addSchedule', this.#caller(owner), {
      params: {},
      query: {},
      body: {
        name,
        expression: random.pick(['* * * * *', '*/2 * * * *', '1-59/3 * * * *']) ?? '* * * * *',
        tz: random.pick(['UTC', 'Europe/Berlin']) ?? 'UTC',
        overlap: random.pick(['forbid', 'queue', 'replace', 'allow'] as const) ?? 'forbid',
        catchUp: random.pick(['none', 'last', 'all'] as const) ?? 'none',
        job: { command: commandOf(this.#token(), behaviour), cwd: '/home', kind: 'task' },
      },
    })
    if (sent?.ok !== true) return
    this.schedules.set(name, { owner, name, removed: false })
    this.#world.note(`${owner}: schedule ${name} added`)
  }

  async #onSchedule(what: 'runSchedule' | 'removeSchedule' | 'pauseSchedule'): Promise<void> {
    const schedule = this.#random.pick([...this.schedules.values()].filter((one) => !one.removed))
    if (schedule) await this.onSchedule(what, schedule)
  }

  async onSchedule(
    what: 'runSchedule' | 'removeSchedule' | 'pauseSchedule',
    schedule: { owner: string; name: string; removed: boolean },
  ): Promise<boolean> {
    const request = { params: { schedule: schedule.name }, query: {}, body: {} }
    const sent = await this.#client.ask(what, this.#caller(schedule.owner), request)
    if (sent?.ok === true) {
      if (what === 'removeSchedule') schedule.removed = true
      this.#world.note(`${schedule.owner}: ${what} ${schedule.name} acknowledged`)
    }
    return sent !== null
  }

  async #onNode(
    what: 'cordon' | 'uncordon' | 'drain' | 'undrain' | 'lose' | 'remove',
  ): Promise<void> {
    // An operator who confirms a loss has looked: the machine is off.
    const possible = what === 'lose' ? this.#nodes.filter(({ host }) => !host.isOn) : this.#nodes
    const node = this.#random.pick(possible)
    if (node) await this.onNode(what, node.name)
  }

  async onNode(
    what: 'cordon' | 'uncordon' | 'drain' | 'undrain' | 'lose' | 'remove',
    node: string,
  ): Promise<boolean> {
    const random = this.#random
    const deadline = random.chance(0.5) ? { deadlineMs: random.int(1_000, 60_000) } : {}
    const body = what === 'drain' ? { ...deadline, atOnce: random.int(1, 4) } : {}
    const request = { params: { node }, query: {}, body }
    const sent = await this.#client.ask(`${what}Node`, operator, request)
    if (sent?.ok === true) this.#world.note(`operator: ${what} ${node} acknowledged`)
    return sent !== null
  }
}

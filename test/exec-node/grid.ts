/** One agent with everything around it faked: what the tests of the agent loop stand on. */
import { startAgent, type Agent } from '../../exec-node/agent.ts'
import { agentDefaults, type AgentOptions, type AgentPorts } from '../../exec-node/ports.ts'
import type { RunPlan } from '../../exec-node/process/run-driver.ts'
import type { JobSpec } from '../../proto/job.ts'
import type { Order } from '../../proto/sync.ts'
import { silentLog } from '../../src/lib/log.ts'
import { FakeMachine, type Script } from '../support/fake-driver.ts'
import { FakeSchedulerLink } from '../support/fake-scheduler-link.ts'
import { FakeSpool } from '../support/fake-spool.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

export const spec: JobSpec = {
  name: 'bot',
  kind: 'continuous',
  command: ['/bin/bot'],
  env: {},
  cwd: '/home/alice',
  umask: 0o022,
  stdin: null,
  out: null,
  err: null,
  slots: 1,
  cpuCores: null,
  memBytes: 512 * 2 ** 20,
  pids: 100,
  timeMs: null,
  queue: 'default',
  where: {},
  priority: 0,
  after: [],
  array: null,
  maxRunning: null,
  retry: 0,
  hold: false,
  beginAt: null,
  restart: 'always',
  check: null,
  silenceMs: null,
  stop: { signal: 'SIGTERM', graceMs: 10_000 },
  warn: { signal: 'SIGUSR2', beforeMs: 0 },
  onPartition: 'stop',
}

export function order(job: number, change: Partial<Order> = {}, specChange = {}): Order {
  return {
    task: `${job}.1`,
    epoch: 1,
    owner: 'alice',
    job,
    index: 1,
    firstRun: 1,
    want: { kind: 'run' },
    restart: { count: 0, by: '', why: '' },
    spec: { ...spec, ...specChange },
    ...change,
  }
}

export const oneOff = { kind: 'task', onPartition: 'keep' } as const

function planOf(order: Order, run: number): RunPlan {
  const { spec } = order
  return {
    key: `${order.task}.${order.epoch}.${run}`,
    identity: { user: 'alice', uid: 1000, gid: 1000, groups: [], home: '/', shell: '/bin/sh' },
    argv: spec.command,
    env: spec.env,
    cwd: spec.cwd,
    umask: spec.umask,
    stdin: null,
    output: { kind: 'files', out: '/dev/null', err: '/dev/null' },
    tmpDir: '/tmp/x',
    files: [],
    limits: {
      cpuWeight: 1024 * spec.slots,
      cpuCores: spec.cpuCores,
      memBytes: spec.memBytes,
      pids: spec.pids,
      openFiles: 1024,
    },
    time: null,
    stop: spec.stop,
    singleCopy: spec.onPartition === 'stop',
  }
}

export class TestGrid {
  readonly clock = new VirtualClock()
  readonly link = new FakeSchedulerLink()
  readonly spool = new FakeSpool()
  readonly machine: FakeMachine
  agent: Agent | null = null
  isNameServiceAway = false
  isOutputHanging = false
  /** The last output of each run. */
  tail = 'b3V0'
  #session = 0
  /** Calls of a crashed agent come to nothing. */
  #life = { over: false }

  constructor(script?: (plan: RunPlan) => Script) {
    this.machine = new FakeMachine(this.clock, script)
    this.spool.onLease = (lease) => (this.machine.lease = lease)
  }

  async start(change: Partial<AgentOptions> = {}): Promise<void> {
    this.#session += 1
    this.#life = { over: false }
    const life = this.#life
    const ports: AgentPorts = {
      clock: mortal(this.clock, life),
      random: () => 0.5,
      log: silentLog,
      driver: mortal(this.machine.driver(), life),
      link: mortal(this.link, life),
      spool: mortal(this.spool, life),
      health: { reports: () => [] },
      output: {
        answer: async () => ({ ok: true, problem: null, data: '', cursor: null, end: true }),
        tail: async () =>
          this.isOutputHanging ? new Promise(() => {}) : { out: this.tail, err: '' },
      },
      planRun: async (order, run) =>
        this.isNameServiceAway
          ? { ok: false, cause: null, detail: 'no answer' }
          : { ok: true, plan: planOf(order, run) },
      checkHttp: async () => ({ ok: true, detail: '' }),
    }
    const facts = {
      slots: 4,
      memBytes: 2 ** 33,
      labels: {},
      enforcement: 'cgroup2' as const,
      version: '1',
      bootId: this.machine.bootId,
      machineId: 'machine',
    }
    const session = `session-${this.#session}`
    const options = { ...agentDefaults, node: 'node1', session, facts, ...change }
    const starting = startAgent(ports, options)
    await this.clock.advance(10)
    this.agent = await starting
    await this.clock.advance(100)
  }

  /** SIGKILL: nothing that it began goes on. */
  crash(): void {
    this.#life.over = true
    this.agent = null
  }

  async advance(ms: number): Promise<void> {
    const end = this.clock.uptime() + ms
    while (this.clock.uptime() < end) {
      await this.clock.advance(Math.min(1_000, end - this.clock.uptime()))
      this.machine.fence()
    }
    await this.clock.advance(2)
  }
}

/** The object as a process sees it: when its life is over, calls do nothing and never return. */
function mortal<T extends object>(target: T, life: { over: boolean }): T {
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name, object)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (life.over) return new Promise(() => {})
        const guarded = args.map((arg) =>
          typeof arg === 'function'
            ? (...inner: unknown[]) =>
                life.over ? undefined : (arg as (...a: unknown[]) => unknown)(...inner)
            : arg,
        )
        const result = (value as (...a: unknown[]) => unknown).apply(object, guarded)
        if (!(result instanceof Promise)) return result
        return outliving(result, life)
      }
    },
  })
}

/** What comes back to a dead process comes back to nobody. */
async function outliving(result: Promise<unknown>, life: { over: boolean }): Promise<unknown> {
  try {
    const done = await result
    return life.over ? await new Promise(() => {}) : done
  } catch (error) {
    if (life.over) await new Promise(() => {})
    throw error
  }
}

/** What simulated jobs do once started: written in their command, so that the seed alone decides it. */
import type { RunPlan } from '../../exec-node/process/run-driver.ts'
import type { Order } from '../../proto/sync.ts'
import { forever, type Script } from '../support/fake-driver.ts'

/** Fields of `behaves` that differ from a process that runs for ever and ends when told. */
export type Behaviour = Partial<
  Pick<Script, 'endsAfterMs' | 'cause' | 'stopsAfterMs' | 'stuckMs' | 'leftoverMs' | 'startFails'>
>

export const commandOf = (token: string, behaviour: Behaviour): string[] => [
  '/bin/sim',
  token,
  JSON.stringify(behaviour),
]

export function scriptOf(plan: RunPlan): Script {
  const behaviour = JSON.parse(plan.argv[2] ?? '{}') as Behaviour
  const script: Script = { ...forever, ...behaviour }
  const limitMs = plan.time?.limitMs
  if (limitMs === undefined || (script.endsAfterMs ?? Infinity) <= limitMs) return script
  return { ...script, endsAfterMs: limitMs, cause: { kind: 'time-limit', limitMs } }
}

export function planOf(order: Order, run: number): RunPlan {
  const { spec } = order
  const identity = {
    user: order.owner,
    uid: 1000,
    gid: 1000,
    groups: [],
    home: '/',
    shell: '/bin/sh',
  }
  return {
    key: `${order.task}.${order.epoch}.${run}`,
    identity,
    argv: spec.command,
    env: spec.env,
    cwd: spec.cwd,
    umask: spec.umask,
    stdin: null,
    output: { kind: 'files', out: '/dev/null', err: '/dev/null' },
    tmpDir: '/tmp/run',
    files: [],
    limits: {
      cpuWeight: 1024 * spec.slots,
      cpuCores: spec.cpuCores,
      memBytes: spec.memBytes,
      pids: spec.pids,
      openFiles: 1024,
    },
    time: spec.timeMs === null ? null : { limitMs: spec.timeMs, warnSignal: 'SIGUSR1', warnMs: 0 },
    stop: spec.stop,
    singleCopy: spec.onPartition === 'stop',
  }
}

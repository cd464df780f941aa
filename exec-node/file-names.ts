/** Where a run's output goes: Grid Engine's names, its pseudo variables, and rotated logs for what never ends. */
import { hostname } from 'node:os'
import { posix } from 'node:path'

import type { Order } from '../proto/sync.ts'
import type { Identity, OutputPlan } from './process/run-driver.ts'

const logMaxBytes = 10 * 2 ** 20
const logsKept = 3

type Who = Pick<Identity, 'user' | 'home'>

export function outputPlan(order: Order, who: Who): OutputPlan {
  const { spec } = order
  const out = place(spec.out ?? usualName(order, 'out'), order, who)
  const err = place(spec.err ?? usualName(order, 'err'), order, who)
  const files = { out, err }
  if (spec.kind === 'task') return { kind: 'files', ...files }
  return { kind: 'log', ...files, maxBytes: logMaxBytes, keep: logsKept }
}

function usualName({ job, index, spec }: Order, stream: 'out' | 'err'): string {
  if (spec.kind === 'continuous') return `${spec.name}.${stream}`
  const task = spec.array === null ? '' : `.${index}`
  return `${spec.name}.${stream === 'out' ? 'o' : 'e'}${job}${task}`
}

/** Relative to the working folder; `$JOB_ID` and its kin are filled in, any other `$` stays. */
function place(path: string, order: Order, who: Who): string {
  const values: Record<string, string> = {
    JOB_ID: String(order.job),
    JOB_NAME: order.spec.name,
    TASK_ID: taskId(order),
    USER: who.user,
    HOME: who.home,
    HOSTNAME: hostname(),
  }
  const filled = path.replace(
    /\$(?:\{(\w+)\}|(JOB_ID|JOB_NAME|TASK_ID|USER|HOME|HOSTNAME)(?!\w))/g,
    (all, braced?: string, bare?: string) => values[braced ?? bare ?? ''] ?? all,
  )
  return posix.resolve(order.spec.cwd, filled)
}

/** As Grid Engine says it: a job that is no array has the task id `undefined`. */
export const taskId = (order: Order): string =>
  order.spec.array === null ? 'undefined' : String(order.index)

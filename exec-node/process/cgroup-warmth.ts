/**
 * The first move of a process into a cgroup after a pause waits for all processors to pass a quiet state (an RCU
 * grace period, 5 to 15 ms); those that follow soon do not (kernel/cgroup/cgroup.c, cgroup_attach_lock, over a
 * percpu_rw_semaphore). So when an order comes, the agent moves itself to where it is already: that wait goes on
 * while the order is written down, and the run's own joining is spared it.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { readSmall } from './kernel-file.ts'

export function joinWarmer(): { warm(): void } {
  let path: string | null | undefined
  let busy = false
  return {
    warm() {
      // Not before: the agent moves to a leaf of its own when it chooses its cgroups, and shall stay there.
      if (path === undefined) path = ownProcs()
      if (busy || path === null) return
      busy = true
      writeFile(path, String(process.pid))
        // Not ours to write: then starts are a little slower.
        .catch(() => {})
        .finally(() => (busy = false))
    },
  }
}

/** `cgroup.procs` of the cgroup that this process is in, of whichever hierarchy is found first. */
function ownProcs(): string | null {
  const own = new Map<string, string>()
  for (const line of (readSmall('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    for (const controller of controllers.split(',')) own.set(controller, path)
  }
  for (const line of (readSmall('/proc/self/mounts') ?? '').split('\n')) {
    const [, point, type, options] = line.split(' ')
    if (point === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue
    const path = type === 'cgroup2' ? own.get('') : firstOf(own, options ?? '')
    if (path !== undefined) return join(point, path, 'cgroup.procs')
  }
  return null
}

function firstOf(own: ReadonlyMap<string, string>, options: string): string | undefined {
  const controller = options.split(',').find((option) => own.has(option))
  return controller === undefined ? undefined : own.get(controller)
}

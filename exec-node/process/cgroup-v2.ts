/** Runs held by cgroup version 2: a folder for each under a subtree that is ours. */
import { join } from 'node:path'

import { noUsage, parsePressure, pidsIn, type CgroupDriver, type Setting } from './cgroup-driver.ts'
import {
  listFolders,
  makeFolder,
  pidsWithin,
  removeFolder,
  removeIfEmpty,
} from './cgroup-folders.ts'
import { field, readIfAllowed, readSmall, writeSmall } from './kernel-file.ts'
import type { RunPlan } from './run-driver.ts'

const needed = ['memory', 'pids']
const wished = ['cpu', 'io']
const periodUs = 100_000

/** Null when there is no unified hierarchy with the needed controllers that we may write. */
export function openCgroupV2(tag: string): CgroupDriver | null {
  const mount = unifiedMount()
  if (!mount) return null
  const own = readSmall('/proc/self/cgroup')?.match(/^0::(.*)$/m)?.[1] ?? '/'
  // As root a subtree of our own beside all services; otherwise what was delegated to us.
  const parents = process.getuid?.() === 0 ? [mount, join(mount, own)] : [join(mount, own)]
  for (const parent of parents) {
    const base = join(parent, `evergrid-${tag}`)
    if (enableControllers(parent, mount) && makeFolder(base) && enableControllers(base, mount))
      return driver(base)
  }
  return null
}

function driver(base: string): CgroupDriver {
  return {
    enforcement: 'cgroup2',
    plan(key, limits) {
      const folder = join(base, key)
      const setting = (name: string, value: string): Setting => ({
        path: join(folder, name),
        value,
      })
      return {
        make: [folder],
        ...limitSettings(folder, limits, false),
        procs: [join(folder, 'cgroup.procs')],
        freeze: [setting('cgroup.freeze', '1')],
        thaw: [setting('cgroup.freeze', '0')],
        kill: [setting('cgroup.kill', '1')],
        read: labels.map((label) => ({ label, path: join(folder, label) })),
        oom: join(folder, 'memory.events'),
      }
    },
    refresh: () => {},
    pids: (key) => pidsWithin(join(base, key)),
    reader: (key) => (label) => readSmall(join(base, key, label)),
    usage(read) {
      const io = read('io.stat')
      const sum = (name: string) =>
        [...(io ?? '').matchAll(new RegExp(`${name}=(\\d+)`, 'g'))].reduce(
          (all, at) => all + Number(at[1]),
          0,
        )
      const cpuUs = field(read('cpu.stat'), 'usage_usec')
      return {
        ...noUsage,
        cpuMs: cpuUs === null ? null : Math.round(cpuUs / 1000),
        memBytes: toNumber(read('memory.current')),
        peakMemBytes: toNumber(read('memory.peak')),
        readBytes: io === null ? null : sum('rbytes'),
        writtenBytes: io === null ? null : sum('wbytes'),
      }
    },
    oomKills: (read) => field(read('memory.events'), 'oom_kill') ?? 0,
    limit(key, limits) {
      const { set, try: optional } = limitSettings(join(base, key), limits, true)
      for (const setting of optional) writeSmall(setting.path, setting.value)
      return set.map((setting) => writeSmall(setting.path, setting.value)).every(Boolean)
    },
    freeze: (key, frozen) => writeSmall(join(base, key, 'cgroup.freeze'), frozen ? '1' : '0'),
    pressure: (key) => parsePressure(readSmall(join(base, key, 'memory.pressure'))),
    list: () => listFolders(base),
    remove: (key) => removeFolder(join(base, key)),
    leave: () => removeIfEmpty(base),
  }
}

const labels = ['cpu.stat', 'memory.current', 'memory.peak', 'memory.events', 'io.stat']

function toNumber(text: string | null): number | null {
  const value = Number.parseInt(text ?? '', 10)
  return Number.isNaN(value) ? null : value
}

function limitSettings(folder: string, limits: RunPlan['limits'], changed: boolean) {
  const setting = (name: string, value: number | string | null): Setting[] =>
    value === null ? [] : [{ path: join(folder, name), value: String(value) }]
  const none = changed ? 'max' : null
  const weight = Math.min(10_000, Math.max(1, Math.round((limits.cpuWeight * 100) / 1024)))
  const quota =
    limits.cpuCores === null ? null : Math.max(1000, Math.round(limits.cpuCores * periodUs))
  return {
    set: [
      ...setting('pids.max', limits.pids),
      ...setting('memory.max', limits.memBytes === null ? none : Math.round(limits.memBytes)),
    ],
    try: [
      ...setting('memory.oom.group', 1),
      ...setting('memory.swap.max', limits.memBytes === null ? none : 0),
      ...setting('cpu.weight', weight),
      ...setting('cpu.max', quota === null ? none && 'max' : `${quota} ${periodUs}`),
      ...setting('io.weight', weight),
    ],
  }
}

function unifiedMount(): string | null {
  for (const line of (readSmall('/proc/self/mounts') ?? '').split('\n')) {
    const [, point, type] = line.split(' ')
    if (type === 'cgroup2' && point && offers(readIfAllowed(join(point, 'cgroup.controllers'))))
      return point
  }
  return null
}

function offers(controllers: string | null): boolean {
  const names = new Set((controllers ?? '').trim().split(' '))
  return needed.every((name) => names.has(name))
}

/** Lets children of `folder` have the controllers; a folder with processes of its own cannot. */
function enableControllers(folder: string, mount: string): boolean {
  const file = join(folder, 'cgroup.subtree_control')
  if (!offers(readIfAllowed(join(folder, 'cgroup.controllers')))) return false
  if (!offers(readIfAllowed(file)) && folder !== mount) leaveForLeaf(folder)
  for (const name of [...needed, ...wished]) writeSmall(file, `+${name}`)
  return offers(readIfAllowed(file))
}

/** Moves this agent into a leaf of its own, if the folder holds nobody but the agent. */
function leaveForLeaf(folder: string): void {
  const pids = pidsIn(readIfAllowed(join(folder, 'cgroup.procs')))
  const leaf = join(folder, 'agent')
  if (pids.length === 1 && pids[0] === process.pid && makeFolder(leaf))
    writeSmall(join(leaf, 'cgroup.procs'), String(process.pid))
}

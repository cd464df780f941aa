/** Runs held by cgroup version 1: one folder `evergrid-TAG/KEY` in each hierarchy that is mounted. */
import { join } from 'node:path'

import { noUsage, type CgroupDriver, type Setting } from './cgroup-driver.ts'
import {
  listFolders,
  makeFolder,
  pidsWithin,
  removeFolder,
  removeIfEmpty,
} from './cgroup-folders.ts'
import { field, readSmall, writeSmall } from './kernel-file.ts'
import type { RunKey, RunPlan } from './run-driver.ts'

const needed = ['freezer', 'memory', 'pids']
const wished = ['cpu', 'cpuacct', 'blkio']
const periodUs = 100_000

/** Null when a needed hierarchy is missing or not ours to write. */
export function openCgroupV1(tag: string): CgroupDriver | null {
  const mounts = hierarchies()
  const bases = new Map<string, string>()
  for (const controller of [...needed, ...wished]) {
    const base = mounts.has(controller)
      ? join(mounts.get(controller) ?? '', `evergrid-${tag}`)
      : null
    if (base && makeFolder(base)) bases.set(controller, base)
    else if (needed.includes(controller)) return null
  }
  return driver(bases)
}

function driver(bases: Map<string, string>): CgroupDriver {
  const folder = (controller: string, key: RunKey) => join(bases.get(controller) ?? '', key)
  // Co-mounted controllers (cpu,cpuacct) share one folder: it is made and joined once.
  const folders = (key: RunKey) => [...new Set([...bases.values()].map((base) => join(base, key)))]
  const place = (key: RunKey) => (controller: string) =>
    bases.has(controller) ? folder(controller, key) : null
  const state = (key: RunKey, value: string) => ({
    path: join(folder('freezer', key), 'freezer.state'),
    value,
  })
  const file = (label: string, key: RunKey) =>
    bases.has(label.split('.', 1)[0] ?? '')
      ? join(folder(label.split('.', 1)[0] ?? '', key), label)
      : null
  return {
    enforcement: 'cgroup1',
    plan(key, limits) {
      return {
        make: folders(key),
        ...limitSettings(place(key), limits),
        procs: folders(key).map((path) => join(path, 'cgroup.procs')),
        freeze: [state(key, 'FROZEN')],
        thaw: [state(key, 'THAWED')],
        kill: [],
        read: labels.flatMap((label) => {
          const path = file(label, key)
          return path ? [{ label, path }] : []
        }),
        oom: file('memory.oom_control', key),
      }
    },
    refresh: () => {},
    pids: (key) => pidsWithin(folder('freezer', key)),
    reader: (key) => (label) => {
      const path = file(label, key)
      return path ? readSmall(path) : null
    },
    usage: (read) => usageOf(read),
    oomKills: (read) => field(read('memory.oom_control'), 'oom_kill') ?? 0,
    limit(key, limits) {
      const { set, try: optional } = limitSettings(place(key), limits, true)
      // Memory may not pass memory + swap on the way: one of both orders fits, so write it twice.
      for (const setting of [...set, ...optional]) writeSmall(setting.path, setting.value)
      return set.map((setting) => writeSmall(setting.path, setting.value)).every(Boolean)
    },
    freeze: (key, frozen) => {
      const setting = state(key, frozen ? 'FROZEN' : 'THAWED')
      return writeSmall(setting.path, setting.value)
    },
    pressure: () => null,
    list: () => listFolders(bases.get('freezer') ?? ''),
    remove: (key) => folders(key).map(removeFolder).every(Boolean),
    leave: () => new Set(bases.values()).forEach(removeIfEmpty),
  }
}

const labels = [
  'cpuacct.usage',
  'memory.usage_in_bytes',
  'memory.max_usage_in_bytes',
  'memory.oom_control',
  'blkio.throttle.io_service_bytes',
]

function usageOf(read: (label: string) => string | null) {
  const number = (label: string) => {
    const text = read(label)
    return text === null || text.trim() === '' ? null : Number.parseInt(text, 10)
  }
  const cpuNs = number('cpuacct.usage')
  const io = read('blkio.throttle.io_service_bytes')
  const sum = (kind: string) =>
    [...(io ?? '').matchAll(new RegExp(` ${kind} (\\d+)`, 'g'))].reduce(
      (all, at) => all + Number(at[1]),
      0,
    )
  return {
    ...noUsage,
    cpuMs: cpuNs === null ? null : Math.round(cpuNs / 1e6),
    memBytes: number('memory.usage_in_bytes'),
    peakMemBytes: number('memory.max_usage_in_bytes'),
    readBytes: io === null ? null : sum('Read'),
    writtenBytes: io === null ? null : sum('Write'),
  }
}

function limitSettings(
  folder: (controller: string) => string | null,
  limits: RunPlan['limits'],
  changed = false,
): { set: Setting[]; try: Setting[] } {
  const setting = (controller: string, name: string, value: number | null): Setting[] => {
    const path = folder(controller)
    return path && value !== null
      ? [{ path: join(path, name), value: String(Math.round(value)) }]
      : []
  }
  // A new cgroup has no limits yet; one that lives may have some to take away.
  const none = changed ? -1 : null
  return {
    set: [
      ...setting('pids', 'pids.max', limits.pids),
      ...setting('memory', 'memory.limit_in_bytes', limits.memBytes ?? none),
    ],
    try: [
      ...setting('cpu', 'cpu.shares', Math.max(2, limits.cpuWeight)),
      ...setting(
        'cpu',
        'cpu.cfs_quota_us',
        limits.cpuCores === null ? none : Math.max(1000, limits.cpuCores * periodUs),
      ),
      // Lowering wants memory before memory + swap, as the shepherd writes them: `set` comes first.
      ...setting('memory', 'memory.memsw.limit_in_bytes', limits.memBytes ?? none),
    ],
  }
}

/** Controller -> mount point. */
function hierarchies(): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of (readSmall('/proc/self/mounts') ?? '').split('\n')) {
    const [, point, type, options] = line.split(' ')
    if (type !== 'cgroup' || !point) continue
    for (const option of options?.split(',') ?? [])
      if ([...needed, ...wished].includes(option) && !found.has(option)) found.set(option, point)
  }
  return found
}

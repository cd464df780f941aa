/** All probes that every node has. To add one: write it beside this file and name it here. */
import { diskProbes } from './disk.ts'
import { kernelErrorProbe } from './kernel-log.ts'
import { memoryErrorProbe, memoryPressureProbe } from './memory.ts'
import { networkMountProbe, readOnlyProbe } from './mounts.ts'
import type { Probe } from './probe.ts'

export type Places = { spool: string; tmp: string; home: string }

export function standardProbes(places: Places, now: () => number): Probe[] {
  return [
    ...diskProbes('spool', places.spool),
    ...diskProbes('tmp', places.tmp),
    ...diskProbes('home', places.home),
    readOnlyProbe([...new Set(Object.values(places))]),
    networkMountProbe(),
    memoryPressureProbe(),
    memoryErrorProbe(),
    kernelErrorProbe(now),
  ]
}

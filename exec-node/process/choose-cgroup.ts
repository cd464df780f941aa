/** What this machine has to hold runs together, the best first. */
import type { Enforcement } from '../../proto/node.ts'
import type { CgroupDriver } from './cgroup-driver.ts'
import { openCgroupV1 } from './cgroup-v1.ts'
import { openCgroupV2 } from './cgroup-v2.ts'
import { noCgroup } from './no-cgroup.ts'

/** `only` asks for one kind; where it is not to be had, there is none. */
export function chooseCgroup(tag: string, only?: Enforcement): CgroupDriver {
  const wanted = (kind: Enforcement) => only === undefined || only === kind
  const v2 = wanted('cgroup2') ? openCgroupV2(tag) : null
  const v1 = !v2 && wanted('cgroup1') ? openCgroupV1(tag) : null
  return v2 ?? v1 ?? noCgroup
}

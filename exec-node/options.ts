/** What an exec-node is told when it starts, completed with what its machine is. */
import { existsSync } from 'node:fs'
import type http from 'node:http'
import { arch, availableParallelism, homedir, hostname, platform, totalmem } from 'node:os'
import { resolve } from 'node:path'

import { healthEveryMs } from './health/health-watch.ts'

export type ExecNodeOptions = {
  /** Where the scheduler listens. */
  url: string
  name: string
  dataDir: string
  /** What the grid's nodes show to be let in. */
  secret: string | (() => string)
  /** Looks again where the secret may lie: another scheduler may listen there now. */
  findSecret?: (() => string | null) | undefined
  slots?: number | undefined
  memBytes?: number | undefined
  labels?: Record<string, string> | undefined
  logFile?: string | undefined
  /** A folder in which every account may make a folder of its own; TMPDIRs live there. */
  tmpRoot?: string | undefined
  /** Each run finds its TMPDIR at /tmp. */
  privateTmp?: boolean | undefined
  /** The operator's probes; left out: `health.d` in the data folder. */
  healthFolder?: string | undefined
  healthEveryMs?: number | undefined
  reportMs?: number | undefined
  refusalRenews?: boolean | undefined
  openFiles?: number | undefined
  insecureNetwork?: boolean | undefined
  /** Called with a sentence for whoever started it, while the scheduler has not taken it. */
  tell?: ((sentence: string) => void) | undefined
  /** Left out: connections to loopback that the kernel proves to be the scheduler's. */
  httpAgent?: http.Agent | undefined
  enforcement?: 'cgroup2' | 'cgroup1' | 'rlimit' | undefined
}

const openFilesUsually = 65_536

export function completed(options: ExecNodeOptions) {
  const dataDir = resolve(options.dataDir)
  return {
    url: options.url,
    name: options.name,
    dataDir,
    slots: options.slots ?? availableParallelism(),
    memBytes: options.memBytes ?? totalmem(),
    labels: { arch: arch(), hostname: hostname(), os: platform(), ...options.labels },
    tmpRoot: options.tmpRoot ?? '/tmp',
    privateTmp: options.privateTmp ?? false,
    homeRoot: existsSync('/home') ? '/home' : homedir(),
    healthFolder: options.healthFolder ?? resolve(dataDir, 'health.d'),
    healthEveryMs: options.healthEveryMs ?? healthEveryMs,
    openFiles: options.openFiles ?? openFilesUsually,
  }
}

/** Nothing left to take: disks full, file descriptors used up, no more processes. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, join } from 'node:path'

import { aNode, needsEnclosure, needsRoot, wait, type Around, type Fault } from './fault.ts'

const forAWhile = ({ random }: Around) => random.pick([1_500, 5_000, 15_000]) ?? 1_500

/** To the last byte: blocks first, then what is left between. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  for (const size of [1 << 20, 4096, 1]) {
    try {
      for (const block = Buffer.alloc(size, 1); ;) writeSync(file, block)
    } catch {
      // Full now.
    }
  }
  closeSync(file)
}

function fullDisk(kind: string, folderOf: (around: Around) => string): Fault {
  return {
    kind,
    weight: 1.5,
    impossible: needsEnclosure,
    async run(around) {
      const folder = folderOf(around)
      const forMs = forAWhile(around)
      around.tell(`disk full: ${basename(folder)} for ${forMs} ms`)
      const path = join(folder, 'filling')
      fill(path)
      await wait(forMs)
      rmSync(path)
      const log = join(around.grid.out, 'chatter.log')
      if (existsSync(log)) truncateSync(log)
    },
  }
}

/** As many files as it has open now, and a few more; then as before. */
const noFiles = (
  kind: string,
  daemon: (around: Around) => { name: string; pid: number | null },
): Fault => ({
  kind,
  weight: 1,
  async run(around) {
    const { name, pid } = daemon(around)
    if (pid === null) return
    const forMs = forAWhile(around)
    const most = readdirSync(`/proc/${pid}/fd`).length + around.random.int(0, 3)
    const before = /^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]
    around.tell(`no more than ${most} open files for ${name} for ${forMs} ms`)
    const limit = (value: number | string) => {
      // It may have ended of it.
      if (existsSync(`/proc/${pid}`))
        execFileSync('prlimit', ['--pid', String(pid), `--nofile=${value}:`])
    }
    limit(most)
    await wait(forMs)
    limit(before ?? 65_536)
  },
})

const pidsRoot = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((path) =>
  existsSync(join(path, 'cgroup.procs')),
)

/** All processes of a daemon, those that outlive it aside. */
function familyOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '),
  )
  return [pid, ...children.filter((text) => text !== '').map(Number)]
}

const noProcesses: Fault = {
  kind: 'no more processes for an agent',
  weight: 1,
  impossible: () => needsRoot() ?? (pidsRoot === undefined ? 'no pids controller' : null),
  async run(around) {
    const node = aNode(around)
    const { pid } = node.agent
    if (pid === null) return
    const forMs = forAWhile(around)
    const root = pidsRoot ?? ''
    const group = join(root, `evergrid-chaos-${around.grid.tag}`)
    mkdirSync(group, { recursive: true })
    const move = (one: number, place: string) => {
      try {
        writeFileSync(join(place, 'cgroup.procs'), String(one))
      } catch {
        // It has ended.
      }
    }
    for (const one of familyOf(pid)) move(one, group)
    const now = readFileSync(join(group, 'pids.current'), 'utf8').trim()
    around.tell(
      `no more than its ${now} processes and threads for the agent of ${node.name} for ${forMs} ms`,
    )
    writeFileSync(join(group, 'pids.max'), now)
    await wait(forMs)
    writeFileSync(join(group, 'pids.max'), 'max')
    for (const text of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n')) {
      if (text !== '') move(Number(text), root)
    }
    try {
      rmdirSync(group)
    } catch {
      // Something is still on its way out; the end of the run removes it.
    }
  },
}

export const resourceFaults: readonly Fault[] = [
  fullDisk('disk full under the database', ({ grid }) => grid.schedulerData),
  fullDisk('disk full under a spool', ({ grid }) => join(grid.folder, 'node2')),
  fullDisk('disk full under a job’s log', ({ grid }) => grid.out),
  noFiles('no more open files for the scheduler', ({ grid }) => grid.scheduler),
  noFiles('no more open files for an agent', (around) => aNode(around).agent),
  noProcesses,
]

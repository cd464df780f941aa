/** A driver on a temporary node folder, as tests of the process layer need it. */
import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

import { listFolders, removeFolder } from '../../../exec-node/process/cgroup-folders.ts'
import { writeLease } from '../../../exec-node/process/lease-file.ts'
import type {
  Identity,
  RunDriver,
  RunFacts,
  RunPlan,
} from '../../../exec-node/process/run-driver.ts'
import { openRunDriver } from '../../../exec-node/process/shepherd-driver.ts'
import { until } from '../../support/wait.ts'

export const isRoot = process.getuid?.() === 0

const own = userInfo()
const self: Identity = {
  user: own.username,
  uid: own.uid,
  gid: own.gid,
  groups: [own.gid],
  home: own.homedir,
  shell: '/bin/sh',
}
export const nobody: Identity = {
  ...self,
  user: 'nobody',
  uid: 65_534,
  gid: 65_534,
  groups: [65_534],
  home: '/',
}
/** The owner of most runs: as root somebody else, so that rights are tried too. */
export const owner = isRoot ? nobody : self

export type Grid = Awaited<ReturnType<typeof openGrid>>

export async function openGrid(enforcement?: RunDriver['enforcement']) {
  const root = await mkdtemp(join(tmpdir(), 'evergrid-'))
  await chmod(root, 0o755)
  const nodeDir = join(root, 'node')
  const work = join(root, 'work')
  execFileSync('install', ['-d', '-m', '700', nodeDir])
  execFileSync('install', [
    '-d',
    '-m',
    '755',
    ...(isRoot ? ['-o', `${owner.uid}`, '-g', `${owner.gid}`] : []),
    work,
  ])
  const gridTag = `test-${process.pid}-${root.slice(-6)}`
  const drivers: RunDriver[] = []
  const open = async () => {
    const driver = await openRunDriver({
      nodeDir,
      nodeName: 'n1',
      gridTag,
      ...(enforcement && { enforcement }),
    })
    drivers.push(driver)
    return driver
  }
  const grid = {
    nodeDir,
    work,
    gridTag,
    driver: await open(),
    /** As after a restart of the agent. */
    async reopen() {
      await grid.driver.close()
      grid.driver = await open()
      return grid.driver
    },
    plan(key: string, argv: readonly string[], more: Partial<RunPlan> = {}): RunPlan {
      return {
        key,
        identity: owner,
        argv,
        env: { PATH: '/usr/bin:/bin' },
        cwd: work,
        umask: 0o022,
        stdin: null,
        output: { kind: 'files', out: join(work, `${key}.out`), err: join(work, `${key}.err`) },
        tmpDir: join(work, `tmp-${key}`),
        files: [],
        time: null,
        stop: { signal: 'SIGTERM', graceMs: 1000 },
        singleCopy: false,
        ...more,
        limits: {
          cpuWeight: 1024,
          cpuCores: null,
          memBytes: null,
          // Without cgroups the account's processes count all together, and tests beside this one start hundreds.
          pids: 2_000,
          openFiles: 1024,
          ...more.limits,
        },
      }
    },
    async start(key: string, argv: readonly string[], more: Partial<RunPlan> = {}) {
      await grid.driver.start(grid.plan(key, argv, more))
    },
    running: (key: string) =>
      until(
        async () => {
          const facts = await grid.driver.facts(key)
          return facts?.pid && facts.endedAt === null ? facts : null
        },
        { what: `${key} running` },
      ),
    over: (key: string): Promise<RunFacts> =>
      until(
        async () => {
          const facts = await grid.driver.facts(key)
          return facts && !facts.populated ? facts : null
        },
        { what: `${key} over` },
      ),
    async run(key: string, argv: readonly string[], more: Partial<RunPlan> = {}) {
      await grid.start(key, argv, more)
      return grid.over(key)
    },
    output: (key: string, kind: 'out' | 'err' = 'out') =>
      readFile(join(work, `${key}.${kind}`), 'utf8'),
    lease: (lease: Parameters<typeof writeLease>[1]) => writeLease(nodeDir, lease),
    async journal(key: string) {
      return readFile(join(nodeDir, 'runs', key, 'journal'), 'utf8')
    },
    async close() {
      const cause = { kind: 'cancelled', by: 'test', why: 'end' } as const
      for (const { key, populated } of await grid.driver.list())
        if (populated) await grid.driver.stop(key, { cause, signal: 'SIGKILL', graceMs: 0 })
      await until(async () => (await grid.driver.list()).every((facts) => !facts.populated), {
        what: 'an empty grid',
      })
      for (const { key } of await grid.driver.list()) await grid.driver.remove(key)
      for (const driver of drivers) await driver.close()
      removeCgroups(gridTag)
      await rm(root, { recursive: true, force: true })
    },
  }
  return grid
}

function removeCgroups(tag: string): void {
  const mounts = ['', ...listFolders('/sys/fs/cgroup')].map((name) => join('/sys/fs/cgroup', name))
  for (const mount of mounts) removeFolder(join(mount, `evergrid-${tag}`))
}

/** The shepherd's pid of a run, for tests that kill it. */
export async function shepherdOf(grid: Grid, key: string): Promise<number> {
  const journal = () => grid.journal(key).catch(() => null)
  return Number((await until(journal, { what: `the shepherd of ${key}` })).split(' ')[1])
}

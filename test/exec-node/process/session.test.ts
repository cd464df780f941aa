/**
 * Without cgroups a run whose command is gone is known by the number of its session. Once the pids have gone round, that
 * number may be the session of others: here a record is made to name one. They hold no place, and no signal goes to them.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { processStat } from '../../../exec-node/process/boot.ts'
import { noCgroup } from '../../../exec-node/process/no-cgroup.ts'
import type { Identity } from '../../../exec-node/process/run-driver.ts'
import { compiled } from '../../support/compiled.ts'
import { until } from '../../support/wait.ts'
import { fenced } from './fenced.ts'
import { isRoot, nobody, openGrid, shepherdOf, type Grid } from './grid.ts'

const cause = { kind: 'cancelled', by: 'alice', why: '' } as const
const mayGainRights = readFileSync('/proc/self/status', 'utf8').includes('\nNoNewPrivs:\t0\n')
const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
const alive = (pid: number) => !['Z', undefined].includes(processStat(pid)?.state)

let grid: Grid
let others: number[] = []
beforeEach(async () => {
  grid = await openGrid('rlimit')
})
afterEach(async () => {
  for (const pid of others.filter(alive)) process.kill(pid, 'SIGKILL')
  others = []
  await grid.close()
})

/** A process in a session whose leader is gone; the number of that session. */
async function leaderless(...as: string[]) {
  const [program, ...argv] = [...as, 'sh', '-c', 'sleep 600 >/dev/null & echo $!']
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  const leader: ChildProcess = spawn(program, argv, { stdio: [...stdio], detached: true })
  let told = ''
  leader.stdout?.on('data', (text) => (told += String(text)))
  const pid = await until(() => (told.endsWith('\n') ? Number(told) : null))
  others.push(pid)
  const session = processStat(pid)?.session ?? 0
  await until(() => processStat(session) === null, { what: 'the end of a leader' })
  return { pid, session }
}

/** While no agent lives: a run of which nothing is left but a record, with the session of others in it. */
async function outlived(key: string, session: number, singleCopy = false) {
  await grid.start(key, ['sleep', '600'], { singleCopy })
  const { pid } = await grid.running(key)
  const shepherd = await shepherdOf(grid, key)
  await grid.driver.close()
  for (const one of [shepherd, pid ?? 0]) process.kill(one, 'SIGKILL')
  await until(() => !alive(shepherd) && !alive(pid ?? 0), { what: 'the end of the run' })
  const path = join(grid.nodeDir, 'runs', key, 'journal')
  const journal = readFileSync(path, 'utf8')
  const renamed = journal.replaceAll(
    new RegExp(`^(read told|started) ${pid} `, 'gm'),
    `$1 ${session} `,
  )
  expect(renamed).not.toBe(journal)
  writeFileSync(path, renamed)
  return path
}

const strangers: { who: string; as: string[]; can: boolean }[] = [
  { who: 'that may gain rights, as nothing of a run may', as: [], can: mayGainRights },
  {
    who: 'of another account',
    as: ['setpriv', '--no-new-privs', '--reuid=1', '--clear-groups'],
    can: isRoot,
  },
]

it.runIf(mayGainRights)(
  'a stranger that ended since the last look over all processes is nobody’s',
  async () => {
    const { pid, session } = await leaderless(compiled(grid.work, 'reaper'))
    const ofSession = () =>
      noCgroup.pids('run.1', { shepherd: null, session: { id: session, uid: null } })
    noCgroup.refresh()
    expect(ofSession()).toEqual([])
    process.kill(pid, 'SIGKILL')
    // No turn for others, and soon: the look of before is still the newest.
    const from = performance.now()
    while (processStat(pid) !== null && performance.now() < from + 5_000);
    expect(ofSession()).toEqual([])
  },
)

describe.each(strangers)('the session of a process $who', ({ as, can }) => {
  it.runIf(can)('holds no place, and the agent leaves it alone', async () => {
    const { pid, session } = await leaderless(...as)
    await outlived('run.1', session)
    await grid.reopen()
    expect(await grid.driver.facts('run.1')).toMatchObject({ populated: false, stuck: [] })
    await grid.driver.stop('run.1', { cause, signal: 'SIGKILL', graceMs: 0 })
    expect(alive(pid)).toBe(true)
  })

  it.runIf(can)('is none of a damaged record either', async () => {
    const { pid, session } = await leaderless(...as)
    const journal = await outlived('odd.1', session)
    writeFileSync(journal, `${readFileSync(journal, 'utf8')}torn\n`)
    await grid.reopen()
    const facts = await grid.driver.facts('odd.1')
    expect(facts).toMatchObject({ populated: false, oddity: expect.stringContaining('damaged') })
    await grid.driver.stop('odd.1', { cause, signal: 'SIGKILL', graceMs: 0 })
    expect(alive(pid)).toBe(true)
  })

  it.runIf(can)('is not ended by the fence, what is left of a run is', async () => {
    await grid.lease({ kind: 'endless' })
    const { pid, session } = await leaderless(...as)
    const trap = `trap "" TERM; while :; do sleep 1; done & echo $!`
    await grid.start('left.1', ['sh', '-c', `${trap}; exec sleep 600`], { singleCopy: true })
    const main = (await grid.running('left.1')).pid ?? 0
    const child = Number(
      await until(async () => (await grid.output('left.1').catch(() => '')).trim() || null),
    )
    const shepherd = await shepherdOf(grid, 'left.1')
    await outlived('run.1', session, true)
    for (const one of [shepherd, main]) process.kill(one, 'SIGKILL')
    await until(() => processStat(main) === null, { what: 'the end of the command' })
    expect(alive(child)).toBe(true)
    // The child takes no SIGTERM: when it ends, the fence has been round at least once.
    const fence = await fenced(grid)
    await until(() => !alive(child), { what: 'the end of the run' })
    expect(alive(pid)).toBe(true)
    await fence.end()
  })
})

/** What such a process can have changed to by rights proves nothing. */
const changers: { who: string; identity: Identity; change: string; uid: number; can: boolean }[] = [
  {
    who: 'root',
    identity: { ...nobody, user: 'root', uid: 0, gid: 0, groups: [0] },
    change: 'setpriv --reuid=1 --clear-groups sleep 600',
    uid: 1,
    can: isRoot,
  },
  {
    who: 'an owner whose user namespace somebody with the rights to it has mapped',
    identity: nobody,
    change: `unshare --user --keep-caps sh -c '
      until grep -q 100000 /proc/self/uid_map; do sleep 0.05; done
      exec setpriv --reuid=1 sleep 600'`,
    uid: 100_000,
    can: isRoot && spawnSync('setpriv', [...asNobody, 'unshare', '--user', 'true']).status === 0,
  },
]

describe.each(changers)('of a run of $who', ({ identity, change, uid, can }) => {
  /** While no agent lives: a process of the run under another account, all else of the run is gone. */
  async function changed(key: string) {
    const argv = ['sh', '-c', `${change} & echo $!; exec sleep 600`]
    await grid.lease({ kind: 'endless' })
    await grid.start(key, argv, { identity, singleCopy: true })
    const { pid: main } = await grid.running(key)
    const child = Number(
      await until(async () => (await grid.output(key).catch(() => '')).trim() || null),
    )
    others.push(child)
    if (uid === 100_000) {
      const ofOwner = readlinkSync(`/proc/${main}/ns/user`)
      await until(() => readlinkSync(`/proc/${child}/ns/user`) !== ofOwner)
      writeFileSync(`/proc/${child}/uid_map`, `0 ${identity.uid} 1\n1 ${uid} 1\n`)
    }
    const isElse = () => readFileSync(`/proc/${child}/status`, 'utf8').includes(`\nUid:\t${uid}\t`)
    await until(isElse, { what: 'another account' })
    const shepherd = await shepherdOf(grid, key)
    await grid.driver.close()
    for (const one of [shepherd, main ?? 0]) process.kill(one, 'SIGKILL')
    await until(() => processStat(main ?? 0) === null, { what: 'the end of the command' })
    return child
  }

  it.runIf(can)('a process of another account holds the place until it is swept', async () => {
    const child = await changed('else.1')
    await grid.reopen()
    expect(await grid.driver.facts('else.1')).toMatchObject({ populated: true, supervised: false })
    await grid.over('else.1')
    expect(alive(child)).toBe(false)
  })

  it.runIf(can)('a process of another account is ended by the fence', async () => {
    const child = await changed('else.2')
    const fence = await fenced(grid)
    expect(await until(() => !alive(child), { what: 'the end of the run' })).toBe(true)
    await fence.end()
  })
})

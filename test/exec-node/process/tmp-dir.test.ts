/** Whatever an owner makes of its TMPDIR: what is removed afterwards is the owner's, and lay in there. */
import { execFileSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { askOwner, identityArgument } from '../../../exec-node/process/owner-program.ts'
import { spawnAs } from '../../support/as-user.ts'
import { until } from '../../support/wait.ts'
import { isRoot, openGrid, owner, type Grid } from './grid.ts'

/** An account that every system has, and that is not the owner. */
const other = 1

let grid: Grid
beforeAll(async () => {
  grid = await openGrid()
})
afterAll(() => grid.close())

/** Runs a script in its TMPDIR; the path of that. */
async function leave(key: string, script: string): Promise<string> {
  const { tmpDir } = grid.plan(key, [])
  const facts = await grid.run(key, ['bash', '-c', `cd "$0" && ${script}`, tmpDir])
  expect({ cause: facts.cause, err: await grid.output(key, 'err') }).toEqual({
    cause: { kind: 'exit', code: 0 },
    err: '',
  })
  return tmpDir
}

const wasRemoved = async (key: string) => (await grid.journal(key)).trimEnd().endsWith(' 1')

/** A folder with a file in it, of some account. */
function folderOf(uid: number, path: string, mode = 0o777): string {
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'precious'), 'precious\n', { mode: 0o666 })
  execFileSync('chmod', [mode.toString(8), path])
  if (isRoot) for (const one of [join(path, 'precious'), path]) chownSync(one, uid, uid)
  return path
}
const isWhole = (path: string) => readFileSync(join(path, 'precious'), 'utf8') === 'precious\n'

it.each([
  [
    'FIFOs, sockets, links to nowhere and to itself',
    'mkfifo f; ln -s /nowhere n; ln -s . s; ln -s l l; ln f g',
  ],
  [
    'folders that nobody may read or write',
    'mkdir -p a/b/c d; touch a/b/c/x d/y; chmod 0 a/b/c a/b a; chmod 500 d; chmod 0 .',
  ],
  [
    'odd names',
    "mkdir -- '-rf' $'new\\nline' ' ' '...' ; touch -- '-rf/*' '.deep-0' \"$(printf '\\377')\"",
  ],
  [
    'a tree deeper than any path',
    // Not by a shell, which wants to know the whole path of where it is.
    `"${process.execPath}" -e 'for (let i = 0; i < 2500; i++) { fs.mkdirSync("d"); process.chdir("d"); if (i % 400 === 0) fs.writeFileSync(".deep-0", "") }'`,
  ],
  ['many files', 'mkdir m; cd m; seq 3000 | xargs touch'],
])('removes %s', async (name, script) => {
  const key = `left.${name.replace(/\W/g, '')}`
  const tmpDir = await leave(key, script)
  // A slow disk may need more than the shepherd's time: the agent goes on where that left off.
  const removed = () =>
    grid.driver.remove(key).then(
      () => true,
      () => false,
    )
  await until(removed, { what: 'the removal' })
  expect(existsSync(tmpDir)).toBe(false)
})

describe('a TMPDIR in whose place something else is', () => {
  it('a link: only that goes, wherever it leads', async () => {
    const folders = [
      folderOf(owner.uid, join(grid.work, 'home')),
      ...(isRoot
        ? [folderOf(0, join(grid.work, 'of-root')), folderOf(other, join(grid.work, 'of-other'))]
        : []),
    ]
    for (const [index, folder] of folders.entries()) {
      const key = `link.${index}`
      const tmpDir = await leave(key, `cd .. && rmdir "$0" && ln -s ${folder} "$0"`)
      expect(await wasRemoved(key)).toBe(true)
      expect(readdirSync(join(tmpDir, '..'))).not.toContain(`tmp-${key}`)
      expect(isWhole(folder)).toBe(true)
    }
  })

  it('links within lead nowhere either', async () => {
    const home = folderOf(owner.uid, join(grid.work, 'home'))
    await leave(
      'link.in',
      `mkdir a; ln -s ${home} home; ln -s ${home} a/home; ln ${home}/precious hard`,
    )
    expect(await wasRemoved('link.in')).toBe(true)
    expect(isWhole(home)).toBe(true)
  })
})

describe.runIf(isRoot)('as root', () => {
  it.each(['tmpfs', 'bind'])('what is mounted there is not gone into: %s', async (kind) => {
    const key = `mount.${kind}`
    const { tmpDir } = grid.plan(key, [])
    const home = folderOf(owner.uid, join(grid.work, 'home'))
    await grid.start(key, ['sh', '-c', 'mkdir "$0/m"; echo up; exec sleep 600', tmpDir])
    await until(async () => (await grid.output(key).catch(() => '')) === 'up\n')
    const mounted = join(tmpDir, 'm')
    // As the mounts of FUSE are, it is the owner's, and in everybody's sight.
    if (kind === 'bind') execFileSync('mount', ['--bind', home, mounted])
    else execFileSync('mount', ['-t', 'tmpfs', '-o', `uid=${owner.uid},size=1m`, 'none', mounted])
    try {
      folderOf(owner.uid, mounted)
      const cause = { kind: 'cancelled', by: 'alice', why: '' } as const
      await grid.driver.stop(key, { cause, signal: 'SIGTERM', graceMs: 1000 })
      await grid.over(key)
      expect(await wasRemoved(key)).toBe(false)
      expect(isWhole(mounted)).toBe(true)
      await expect(grid.driver.remove(key)).rejects.toThrow('could not be removed: rmdir ENOTEMPTY')
    } finally {
      execFileSync('umount', [mounted])
    }
    await grid.driver.remove(key)
    expect(existsSync(tmpDir)).toBe(false)
    expect(isWhole(home)).toBe(true)
  })

  it('what is of somebody else in a folder of its own stays, and is said to stay', async () => {
    const key = 'foreign.1'
    const { tmpDir } = grid.plan(key, [])
    await grid.start(key, ['sh', '-c', 'chmod 777 "$0"; echo up; exec sleep 600', tmpDir])
    await until(async () => (await grid.output(key).catch(() => '')) === 'up\n')
    const theirs = folderOf(other, join(tmpDir, 'theirs'), 0o755)
    const cause = { kind: 'cancelled', by: 'alice', why: '' } as const
    await grid.driver.stop(key, { cause, signal: 'SIGTERM', graceMs: 1000 })
    expect(await grid.over(key)).toMatchObject({ populated: false, cause })
    expect(await wasRemoved(key)).toBe(false)
    expect(isWhole(theirs)).toBe(true)
    await expect(grid.driver.remove(key)).rejects.toThrow('could not be removed')
    rmSync(theirs, { recursive: true })
    await grid.driver.remove(key)
  })

  it('a folder that turns into a link and back while it is removed leads nowhere', async () => {
    const home = folderOf(owner.uid, join(grid.work, 'home'))
    const tree = join(grid.work, 'race')
    // Of the owner too, and quicker than the removal: it has the folder in its hands, and its home as bait.
    const swapper = `
      const { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } = require('fs')
      const quiet = (what) => { try { what() } catch {} }
      process.chdir(process.argv[1])
      process.stdout.write('up')
      for (;;) {
        quiet(() => mkdirSync('race'))
        quiet(() => mkdirSync('race/a'))
        quiet(() => writeFileSync('race/a/x', ''))
        for (let i = 0; i < 20; i++) {
          quiet(() => renameSync('race/a', 'aside'))
          quiet(() => symlinkSync('home', 'race/a'))
          quiet(() => unlinkSync('race/a'))
          quiet(() => renameSync('aside', 'race/a'))
          quiet(() => renameSync('race', 'race-aside'))
          quiet(() => symlinkSync('home', 'race'))
          quiet(() => unlinkSync('race'))
          quiet(() => renameSync('race-aside', 'race'))
        }
      }`
    const racer = spawnAs(owner.uid, [process.execPath, '-e', swapper, grid.work])
    try {
      await until(() => racer.stdout?.read() !== null, { what: 'the racer' })
      let removals = 0
      for (let round = 0; round < 60; round += 1) {
        const reply = await askOwner([identityArgument(owner), 'rmtree', tree])
        if (reply.ok) removals += 1
        expect(isWhole(home)).toBe(true)
      }
      expect(removals).toBeGreaterThan(0)
    } finally {
      const ended = new Promise((resolve) => racer.once('exit', resolve))
      racer.kill('SIGKILL')
      await ended
    }
  })
})

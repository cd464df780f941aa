/** The proof over a shared home, attacked: planted by rename, linked, piped, squatted, open to others; read as the owner, never as root. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  lchownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { byHome } from '../../../scheduler/http/identity/by-home.ts'
import { nativeProgram } from '../../../src/lib/native-program.ts'
import { isRoot } from '../../support/as-user.ts'
import { until } from '../../support/wait.ts'
import { aRoom } from './a-room.ts'
import { Hand } from './by-hand.ts'

const [victim, attacker] = [70_001, 70_002]
const text = 'evergrid proof 1\nnonce x\n'
const challenge = 'c'.repeat(32)

describe.skipIf(!isRoot)('the look into a home', () => {
  let top: string
  let home: string
  let folder: string
  let file: string
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'evergrid-homes-'))
    chmodSync(top, 0o755)
    home = join(top, 'home')
    folder = join(home, '.evergrid-proof')
    file = join(folder, challenge)
    own(home, 0o755)
  })
  afterEach(() => rmSync(top, { recursive: true }))

  /** A folder of the victim's. */
  function own(path: string, mode = 0o700, uid = victim): string {
    mkdirSync(path)
    chownSync(path, uid, uid)
    chmodSync(path, mode)
    return path
  }
  function write(path: string, content = text, uid = victim, mode = 0o600): string {
    writeFileSync(path, content)
    chownSync(path, uid, uid)
    chmodSync(path, mode)
    return path
  }
  const prove = (at = home, way = byHome()) =>
    way.problem({
      account: { name: 'vera', uid: victim, gid: victim, home: at },
      challenge,
      text,
      credential: undefined,
    })

  test('what the account wrote into its own home proves it', async () => {
    own(folder)
    write(file)
    expect(await prove()).toBe(null)
    symlinkSync('home', join(top, 'link'))
    expect(await prove(join(top, 'link'))).toBe(null)
    expect(existsSync(file)).toBe(true)
  })

  test('a name that the file server shows late is waited for', async () => {
    const looking = prove()
    await delay(300)
    own(folder)
    await delay(300)
    write(`${file}.new`)
    renameSync(`${file}.new`, file)
    expect(await looking).toBe(null)
  })

  test.each<[string, string, () => unknown]>([
    ['nothing', 'No such file', () => {}],
    ['another text', 'does not hold', () => write(file, text.replace('x', 'y'))],
    ['more than the text', 'does not hold', () => write(file, `${text}\n`)],
    ['far more', 'does not hold', () => write(file, text.repeat(10_000))],
    ['an empty file', 'does not hold', () => write(file, '')],
    [
      'a file of the victim’s that somebody moved into a home open to all',
      'can be written by others',
      () => chmodSync((write(file), home), 0o777),
    ],
    ['a home that its group can write', 'chmod go-w', () => chmodSync((write(file), home), 0o775)],
    [
      'a home of another account',
      'belongs to another account',
      () => chownSync((write(file), home), attacker, attacker),
    ],
    [
      'a home in a folder that others can write: they could move another one there',
      'on the way to the home, can be written by others',
      () => chmodSync((write(file), top), 0o777),
    ],
    [
      'a home in a folder of another account',
      'on the way to the home, belongs to another account',
      () => chownSync((write(file), top), attacker, attacker),
    ],
    [
      'a link to a folder elsewhere',
      'Not a directory',
      () => {
        renameSync(folder, join(top, 'elsewhere'))
        write(join(top, 'elsewhere', challenge))
        symlinkSync(join(top, 'elsewhere'), folder)
      },
    ],
    [
      'a folder of another account in the home',
      'belongs to another account',
      () => chmodSync((write(file), chownSync(folder, attacker, attacker), folder), 0o755),
    ],
    [
      'a folder that others can enter',
      'must have mode 0700',
      () => chmodSync((write(file), folder), 0o750),
    ],
    [
      'a link to a file of the victim’s',
      'symbolic links',
      () => symlinkSync(write(join(home, 'x')), file),
    ],
    ['a hard link', 'second name', () => linkSync(write(join(home, 'x')), file)],
    ['a folder in place of the file', 'not a plain file', () => own(file)],
    [
      'a pipe, which must not hang us',
      'not a plain file',
      () => chownSync((execFileSync('mkfifo', ['-m', '600', file]), file), victim, victim),
    ],
    [
      'a file of another account',
      'belongs to another account',
      () => write(file, text, attacker, 0o644),
    ],
    ['a file that others can read', 'must have mode 0600', () => write(file, text, victim, 0o644)],
    // As root it would be opened, and refused for its owner.
    ['a file that only root can read', 'Permission denied', () => write(file, text, 0)],
  ])('refused: %s', async (_what, why, plant) => {
    own(folder)
    plant()
    const problem = await prove()
    expect(problem).toContain(why)
    expect(problem).toContain(file)
  })

  test('refused: a way through a link that others can lead elsewhere, or that has no end', async () => {
    own(folder)
    write(file)
    const open = join(top, 'open')
    mkdirSync(open)
    chmodSync(open, 0o777)
    symlinkSync(home, join(open, 'link'))
    expect(await prove(join(open, 'link'))).toContain('can be written by others')
    chmodSync(open, 0o1777)
    expect(await prove(join(open, 'link'))).toBe(null)
    lchownSync(join(open, 'link'), attacker, attacker)
    expect(await prove(join(open, 'link'))).toContain('a link on the way')
    symlinkSync('loop', join(top, 'loop'))
    expect(await prove(join(top, 'loop'))).toContain('cannot be followed')
    for (const odd of ['home', '', '/', '/nonexistent', `${home}/../home`])
      expect(await prove(odd)).toContain('does not prove vera')
  })

  test('refused: what is mounted in the home, and a way that only root’s group may go', async () => {
    own(folder)
    execFileSync('mount', [
      '-t',
      'tmpfs',
      '-o',
      `uid=${victim},gid=${victim},mode=700`,
      'none',
      folder,
    ])
    try {
      write(file)
      expect(await prove()).toContain('something is mounted')
    } finally {
      execFileSync('umount', [folder])
    }
    write(file)
    chmodSync(top, 0o750)
    expect(await prove()).toContain('Permission denied')
    // As a scheduler that has its groups from a login, where these tests may have none.
    const helper = [nativeProgram('home-proof'), String(victim), String(victim), home, challenge]
    const ran = spawnSync('setpriv', ['--groups=0', '--', ...helper])
    expect(String(ran.stderr)).toContain('Permission denied')
    chmodSync(top, 0o751)
    expect(await prove()).toBe(null)
  })

  test('refused: a home that an access list opens to another account', async (context) => {
    own(folder)
    write(file)
    const list = `import os,struct
entries = [(1, 7, -1), (2, 7, ${attacker}), (4, 5, -1), (16, 7, -1), (32, 0, -1)]
packed = b''.join(struct.pack('<HHI', tag, perm, who & 0xffffffff) for tag, perm, who in entries)
os.setxattr(${JSON.stringify(home)}, 'system.posix_acl_access', struct.pack('<I', 2) + packed)`
    try {
      execFileSync('python3', ['-c', list], { stdio: 'pipe' })
    } catch (error) {
      if (!String(error).includes('Errno 95')) throw error
      context.skip('this file system has no access lists')
    }
    expect(await prove()).toContain('can be written by others')
  })

  test('refused: while homes and folders are moved about, never anything but the victim’s own', async () => {
    // The attacker owns what it can: beside the home, a copy with a text of the attacker's choice.
    own(folder)
    write(file, 'the victim has not written it')
    const fake = own(join(top, 'fake'), 0o755, attacker)
    own(join(fake, '.evergrid-proof'), 0o700, attacker)
    write(join(fake, '.evergrid-proof', challenge), text, attacker)
    const over = new AbortController()
    const moving = (async () => {
      while (!over.signal.aborted) {
        for (const [from, to] of [
          [home, join(top, 'aside')],
          [fake, home],
          [home, fake],
          [join(top, 'aside'), home],
        ] as const)
          renameSync(from, to)
        await delay(0)
      }
    })()
    const seen = new Set<string>()
    const both = async () => {
      for (let round = 0; round < 10; round += 1) seen.add(String(await prove()))
      return [...seen].some((one) => one.includes('another account')) && seen.size > 1
    }
    await until(both, { what: 'both homes were met' })
    over.abort()
    await moving
    expect([...seen]).not.toContain('null')
  })

  test('a home that hangs is named in time, nothing more is begun there, and afterwards it is read again', async () => {
    const way = byHome(500)
    const looking = prove(home, way)
    // It waits for the folder, as it would for a file server.
    const helper = await until(() => helperOf(home), { what: 'the helper' })
    process.kill(helper, 'SIGSTOP')
    expect(await looking).toContain('its file server hangs')
    own(folder)
    write(file)
    expect(await until(async () => (await prove(home, way)) === null)).toBe(true)
  })

  test('root is not read for', async () => {
    const account = { name: 'root', uid: 0, gid: 0, home: '/root' }
    const way = byHome()
    expect(await way.closedTo(account)).toContain('root of another machine')
    const problem = await way.problem({ account, challenge, text, credential: undefined })
    expect(problem).toContain('root is not read for')
  })
})

/** Its pid. */
function helperOf(home: string): number | null {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const isIt = (pid: string) => {
    try {
      const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return program.endsWith('/home-proof') && args.includes(home)
    } catch {
      return false
    }
  }
  const found = pids.find(isIt)
  return found === undefined ? null : Number(found)
}

test.skipIf(!isRoot)('homes prove nobody until the site says that they are shared', async () => {
  const room = await aRoom('file', undefined, undefined, { mungeSocket: 'none' })
  const hand = new Hand(room.url)
  try {
    expect((await room.ask('/v1/grid', { as: null })).body['ways']).toEqual(['file'])
    const { status, body } = await hand.login('nobody', 'home')
    expect({ status, hint: body['hint'] }).toEqual({
      status: 400,
      hint: expect.stringContaining('--shared-homes'),
    })
  } finally {
    hand.end()
    await room.end()
  }
})

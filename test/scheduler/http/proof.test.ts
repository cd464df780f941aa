/** The proof by file, attacked: planted, renamed, linked, relayed, replayed. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { proofProblem } from '../../../scheduler/http/identity/proof-place.ts'
import { proofFileOf } from '../../../src/lib/proof-folder.ts'
import { isRoot, nobody, outputAs } from '../../support/as-user.ts'
import { aRoom, post, type ARoom } from './a-room.ts'
import { askAndHangUp, Hand, textOf, type Asked } from './by-hand.ts'

const nonce = 'n'.repeat(64)
const uid = process.getuid?.() ?? 0

describe('the look at the file', () => {
  let folder: string
  let outside: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'evergrid-proof-'))
    outside = mkdtempSync(join(tmpdir(), 'evergrid-outside-'))
    file = proofFileOf(folder, 'c')
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
    rmSync(outside, { recursive: true })
  })
  const own = (mode = 0o700) => mkdirSync(dirname(file), { mode })
  const look = (claimed = uid) => proofProblem(folder, 'c', claimed, nonce)

  test('what the account itself wrote proves it, and is removed', async () => {
    own()
    writeFileSync(file, nonce)
    expect(await look()).toBe(null)
    expect(readdirSync(folder)).toEqual([])
  })

  test.each([
    ['nothing', () => {}, 'ENOENT'],
    ['an empty folder', () => own(), 'ENOENT'],
    ['another nonce', () => (own(), writeFileSync(file, 'm'.repeat(64))), 'does not hold'],
    ['more than the nonce', () => (own(), writeFileSync(file, `${nonce}\n`)), 'does not hold'],
    [
      'a folder that others could have filled',
      () => {
        own()
        chmodSync(dirname(file), 0o770)
        writeFileSync(file, nonce)
      },
      'open to others',
    ],
    [
      'a link to a folder elsewhere',
      () => {
        writeFileSync(join(outside, 'nonce'), nonce)
        symlinkSync(outside, dirname(file))
      },
      'ENOTDIR',
    ],
    [
      'a link to a file elsewhere',
      () => {
        own()
        writeFileSync(join(outside, 'x'), nonce)
        symlinkSync(join(outside, 'x'), file)
      },
      'ELOOP',
    ],
    [
      'a hard link',
      () => {
        own()
        writeFileSync(join(outside, 'x'), nonce)
        linkSync(join(outside, 'x'), file)
      },
      'second name',
    ],
    ['a folder in place of the file', () => (own(), mkdirSync(file)), 'not a plain file'],
    [
      'a pipe, which must not hang us',
      () => (own(), void execFileSync('mkfifo', [file])),
      'not a plain file',
    ],
  ])('refused: %s', async (_what, plant, problem) => {
    plant()
    expect(await look()).toContain(problem)
    for (const left of readdirSync(outside)) expect(statSync(join(outside, left)).size).toBe(64)
  })

  test('refused: a file of one account under the claim of another', async () => {
    own()
    writeFileSync(file, nonce)
    expect(await look(uid + 1)).toContain('another account')
  })

  test.skipIf(!isRoot)('refused: a file of the victim in a folder of the attacker', async () => {
    own()
    chownSync(dirname(file), nobody.uid, nobody.uid)
    writeFileSync(file, nonce)
    expect(await look(0)).toContain('another account')
  })

  test.skipIf(!isRoot)('the kernel keeps a victim’s folder from being moved in', async () => {
    chmodSync(folder, 0o1733)
    const theirs = join(outside, 'theirs')
    chownSync(outside, nobody.uid, nobody.uid)
    mkdirSync(theirs, { mode: 0o700 })
    writeFileSync(join(theirs, 'nonce'), nonce)
    const move = outputAs(nobody.uid, ['mv', '-T', theirs, dirname(file)])
    await expect(move).rejects.toThrow(/ermission denied/)
    // A plain file goes: this is why a file alone proves nothing.
    renameSync(join(theirs, 'nonce'), join(outside, 'plain'))
    await outputAs(nobody.uid, ['mv', '-T', join(outside, 'plain'), join(folder, 'plain')])
  })
})

const write = (asked: Asked, owner = 0, seen = asked.socket) => {
  const path = String(asked.body['file'])
  mkdirSync(dirname(path), { mode: 0o700 })
  writeFileSync(path, textOf({ ...asked, socket: seen }, nobody.name))
  chownSync(path, owner, owner)
  chownSync(dirname(path), owner, owner)
}

describe.skipIf(!isRoot)('a login', () => {
  let room: ARoom
  let hands: Hand[]
  beforeEach(async () => {
    room = await aRoom('file')
    hands = []
  })
  afterEach(async () => {
    for (const hand of hands) hand.end()
    await room.end()
  })
  const aHand = () => {
    const hand = new Hand(room.url)
    hands.push(hand)
    return hand
  }

  test('gives a token that opens what the account may', async () => {
    const hand = aHand()
    const asked = await hand.login(nobody.name)
    write(asked, nobody.uid)
    const { body } = await hand.prove(asked)
    expect(body).toMatchObject({ owner: nobody.name })
    const as = String(body['token'])
    expect((await room.ask('/v1/whoami', { as })).body).toEqual({
      owner: nobody.name,
      rights: 'user',
      token: null,
    })
    const cordon = await room.ask('/v1/nodes/a/cordon', { ...post({}), as })
    expect(cordon).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(cordon.body['detail']).toContain('evergrid-operators')
    expect([...room.door.tokens.keys()]).not.toContain(as)
    expect(existsSync(dirname(String(asked.body['file'])))).toBe(false)
    room.clock.aheadMs = 13 * 3_600_000
    expect((await room.ask('/v1/whoami', { as })).status).toBe(401)
  })

  test('counts once, on its connection, within half a minute', async () => {
    const [mine, relay] = [aHand(), aHand()]
    const asked = await mine.login(nobody.name)
    write(asked, nobody.uid)
    expect((await relay.prove(asked)).status).toBe(401)
    expect((await mine.prove(asked)).status).toBe(200)
    write(asked, nobody.uid)
    expect((await mine.prove(asked)).status).toBe(401)
    rmSync(dirname(String(asked.body['file'])), { recursive: true })
    const late = await mine.login(nobody.name)
    write(late, nobody.uid)
    room.clock.aheadMs = 31_000
    expect((await mine.prove(late)).status).toBe(401)
    rmSync(dirname(String(late.body['file'])), { recursive: true })
  })

  test('is of no use to who stands between and passes it on', async () => {
    const [victim, relay] = [aHand(), aHand()]
    const { socket } = await victim.login(nobody.name)
    const asked = await relay.login(nobody.name)
    // The victim writes what it was told, for the connection that it has.
    write(asked, nobody.uid, socket)
    const told = await relay.prove(asked)
    expect(told).toMatchObject({ status: 401 })
    expect(told.body['detail']).toContain('does not hold this challenge and this connection')
  })

  test('is refused for a file of another account, unknown accounts and numbers', async () => {
    const hand = aHand()
    const asked = await hand.login(nobody.name)
    write(asked, 1)
    const { body } = await hand.prove(asked)
    expect(body['detail']).toContain(`does not prove ${nobody.name}`)
    for (const user of ['no-such-account', '65534', '--help', '', 'root:x', 'root\0']) {
      const { status } = await hand.login(user)
      expect({ user, status }).toEqual({ user, status: 400 })
    }
  })

  test('may not be asked for without end', async () => {
    // All at once: on a slow machine one after the other would be slow enough to be allowed.
    const hand = aHand()
    const asked = Array.from({ length: 60 }, () => hand.login('root'))
    const seen = (await Promise.all(asked)).map(({ status }) => status)
    expect(seen.filter((status) => status === 200).length).toBeGreaterThan(0)
    expect(seen).toContain(429)
  })

  test('who hangs up having asked uses up nobody’s logins', async () => {
    for (let asked = 0; asked < 30; asked += 1) await askAndHangUp(room.listener.port, 'root')
    const hand = aHand()
    // Once more round: what was sent before has been read.
    await room.ask('/v1/whoami')
    expect((await hand.login(nobody.name)).status).toBe(200)
  })

  test('users see the events of their own work and of nodes, operators all', async () => {
    const token = 'a-token'
    const hash = createHash('sha256').update(token).digest('hex')
    room.door.recordToken({ hash, owner: nobody.name, expiresAt: Date.now() + 60_000 })
    const { name } = nobody
    room.door.happen({ owner: name, job: 1 }, { owner: 'ada', job: 2 }, { node: 'n' }, { job: 3 })
    const seen = async (as: string) => {
      const { body } = await room.ask('/v1/events?since=0&follow=false', { as })
      return String(body['text']).match(/(?<=^id: )\d+/gm)
    }
    expect(await seen(token)).toEqual(['1', '3'])
    expect(await seen(room.secret)).toEqual(['1', '2', '3', '4'])
  })

  test('the folder is root’s and closed to looks', () => {
    const folder = String(room.identity.proofFolder)
    expect(statSync(folder)).toMatchObject({ uid: 0 })
    expect(statSync(folder).mode & 0o7777).toBe(0o1733)
  })
})

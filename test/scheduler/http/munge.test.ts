/** The proof by MUNGE with real daemons at both ends, attacked: other keys, other accounts, replayed, relayed, late. */
import { chmodSync } from 'node:fs'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { isRoot, nobody, outputAs } from '../../support/as-user.ts'
import { aKey, Munged, noMunge } from '../../support/munged.ts'
import { until } from '../../support/wait.ts'
import { aRoom, type ARoom } from './a-room.ts'
import { Hand, textOf, type Asked } from './by-hand.ts'

describe.skipIf(!isRoot)('a login by MUNGE', () => {
  let ours: Munged
  /** On the client's machine: another daemon with the same key. */
  let theirs: Munged
  let room: ARoom
  let hands: Hand[]
  beforeAll(async () => {
    if (noMunge !== null) return
    const key = aKey()
    ;[ours, theirs] = [await Munged.start(key), await Munged.start(key)]
  })
  afterAll(async () => {
    await ours?.end()
    await theirs?.end()
  })
  beforeEach(async (context) => {
    context.skip(noMunge !== null, noMunge ?? '')
    hands = []
    room = await aRoom('file', undefined, undefined, { mungeSocket: ours.socket })
  })
  afterEach(async () => {
    for (const hand of hands ?? []) hand.end()
    await room?.end()
  })

  const aHand = () => {
    const hand = new Hand(room.url)
    hands.push(hand)
    return hand
  }
  /** As an ordinary account makes it. */
  const credential = async (text: string, at = theirs, uid = nobody.uid, ...more: string[]) =>
    (await outputAs(uid, ['munge', '--socket', at.socket, '--string', text, ...more])).trim()
  const asked = async (hand = aHand()): Promise<[Hand, Asked]> => [
    hand,
    await hand.login(nobody.name, 'munge'),
  ]
  /** Why, where it was refused as what proves nothing. */
  const refusal = async (reply: Promise<Asked>) => {
    const { status, body } = await reply
    return status === 401 ? String(body['detail']) : `answered with ${status}`
  }

  test('gives the account of the credential’s uid a token', async () => {
    expect((await room.ask('/v1/grid', { as: null })).body['ways']).toEqual(['file', 'munge'])
    const [hand, challenge] = await asked()
    expect(challenge.body).toMatchObject({ way: 'munge', file: null })
    const { body } = await hand.prove(challenge, await credential(textOf(challenge, nobody.name)))
    expect(body).toMatchObject({ owner: nobody.name })
    const who = await room.ask('/v1/whoami', { as: String(body['token']) })
    expect(who.body).toMatchObject({ owner: nobody.name, rights: 'user' })
  })

  test('refused: a credential of another account, with the numbers of both', async () => {
    const [hand, challenge] = await asked()
    const text = textOf(challenge, nobody.name)
    expect(await refusal(hand.prove(challenge, await credential(text, theirs, 1)))).toContain(
      'is of uid 1 (here daemon)',
    )
  })

  test('refused: over anything but this challenge on this connection, to the byte', async () => {
    const other = (text: string) => [
      '',
      `${text}\n`,
      text.slice(0, -1),
      text.replace('way munge', 'way file'),
      text.replace(/nonce ./, 'nonce x'),
      `\n${text}`,
    ]
    for (const at of Array.from({ length: 6 }, (_, index) => index)) {
      const [hand, challenge] = await asked()
      const text = other(textOf(challenge, nobody.name))[at] ?? ''
      expect(await refusal(hand.prove(challenge, await credential(text)))).toContain(
        'for another challenge',
      )
    }
  })

  test('refused: relayed by who stands between, on either of the connections', async () => {
    const [relay, challenge] = await asked()
    const [victim] = await asked()
    // What the victim sees is the connection to the relay, here one of its own to the same scheduler.
    const own = await victim.login(nobody.name, 'munge')
    const seen = { ...challenge, socket: own.socket }
    const made = await credential(textOf(seen, nobody.name))
    expect(await refusal(victim.prove(challenge, made))).toContain(
      'no such challenge waits on this connection',
    )
    expect(await refusal(relay.prove(challenge, made))).toContain('another connection')
  })

  test('refused: shown before, also where only munged knows it', async () => {
    const [hand, challenge] = await asked()
    const made = await credential(textOf(challenge, nobody.name))
    expect((await hand.prove(challenge, made)).status).toBe(200)
    expect(await refusal(hand.prove(challenge, made))).toContain('no such challenge waits')
    const [again, next] = await asked()
    expect(await refusal(again.prove(next, made))).toContain('EMUNGE_CRED_REPLAYED')
  })

  test('refused: of another key, expired, cut, of nothing', async () => {
    const stranger = await Munged.start(aKey())
    try {
      const [hand, challenge] = await asked()
      const text = textOf(challenge, nobody.name)
      expect(await refusal(hand.prove(challenge, await credential(text, stranger)))).toContain(
        'EMUNGE_CRED_INVALID',
      )
    } finally {
      await stranger.end()
    }
    const [hand, challenge] = await asked()
    const late = await credential(textOf(challenge, nobody.name), theirs, nobody.uid, '--ttl', '1')
    const made = Date.now()
    await until(() => Date.now() - made > 2_500, { what: 'the end of the credential' })
    expect(await refusal(hand.prove(challenge, late))).toContain('EMUNGE_CRED_EXPIRED')
    for (const [what, why] of [
      ['MUNGE:AAAA:', 'was not taken'],
      ['garbage', 'was not taken'],
      ['', 'was not taken'],
      ['--help', 'was not taken'],
      [undefined, 'has no MUNGE credential'],
    ] as const) {
      const [another, one] = await asked()
      expect(await refusal(another.prove(one, what))).toContain(why)
    }
  })

  test('refused: root of another machine, whatever it shows', async () => {
    expect(await refusal(aHand().login('root', 'munge'))).toContain('root of another machine')
  })

  test('a munged that is down, or hangs, is named, within bounded time', async () => {
    const [hand, challenge] = await asked()
    const made = await credential(textOf(challenge, nobody.name))
    ours.signal('SIGSTOP')
    const began = performance.now()
    expect(await refusal(hand.prove(challenge, made))).toContain('munged')
    expect(performance.now() - began).toBeLessThan(25_000)
    await ours.stop()
    expect(await refusal(aHand().login(nobody.name, 'munge'))).toContain('start it there')
    await ours.begin()
    const [after, next] = await asked()
    const good = await credential(textOf(next, nobody.name))
    expect((await after.prove(next, good)).status).toBe(200)
  })

  test('where others can put a socket, none is believed', async () => {
    const [hand, challenge] = await asked()
    const made = await credential(textOf(challenge, nobody.name))
    chmodSync(ours.folder, 0o777)
    try {
      const late = await refusal(hand.prove(challenge, made))
      expect(late).toContain('in a folder that nobody else can write')
      expect(await refusal(aHand().login(nobody.name, 'munge'))).toContain(
        'in a folder that nobody else can write',
      )
      const open = aRoom('file', undefined, undefined, { mungeSocket: ours.socket })
      await expect(open).rejects.toThrow('in a folder that nobody else can write')
    } finally {
      chmodSync(ours.folder, 0o755)
    }
  })
})

test.skipIf(!isRoot)('without munged, or told not to, MUNGE is not among the ways', async () => {
  const room = await aRoom('file', undefined, undefined, { mungeSocket: 'none' })
  const hand = new Hand(room.url)
  try {
    expect((await room.ask('/v1/grid', { as: null })).body['ways']).toEqual(['file'])
    const { status, body } = await hand.login(nobody.name, 'munge')
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { hint: expect.stringContaining('--munge-socket') },
    })
  } finally {
    hand.end()
    await room.end()
  }
})

test('a private grid takes no logins, and says so to who switches them on', async () => {
  for (const logins of [{ mungeSocket: '/run/munge/x' }, { sharedHomes: true }])
    await expect(aRoom('secret', undefined, undefined, logins)).rejects.toThrow('that root runs')
})

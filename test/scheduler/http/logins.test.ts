/** Logins of many at once: what is looked at is bounded, and nobody loses a challenge by it. */
import { expect, test } from 'vitest'

import type { LoginWay } from '../../../proto/login.ts'
import { Challenges } from '../../../scheduler/http/identity/challenges.ts'
import { openLogins } from '../../../scheduler/http/identity/logins.ts'
import type { Way } from '../../../scheduler/http/identity/way.ts'
import { fakeDoor } from './fake-door.ts'

test('only so many proofs are looked at at a time; the next is told to come again, and may with the same challenge', async () => {
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const way = (name: LoginWay, isHeld: boolean): Way => ({
    name,
    offered: async () => true,
    closedTo: async () => null,
    fileOf: () => null,
    problem: async () => {
      if (isHeld) await held
      return null
    },
    close: async () => {},
  })
  const ways = [way('file', false), way('home', true)]
  const logins = openLogins(ways, new Challenges(), { door: fakeDoor(), now: Date.now })
  const ask = async (asker: string, by: LoginWay = 'home') => {
    const connection = { socket: {}, name: 'tcp a b' }
    const asked = await logins.login({ user: 'nobody', way: by, asker }, connection)
    if (!asked.ok) throw new Error(asked.refusal.detail)
    const { challenge } = asked.value
    return () => logins.prove({ challenge }, connection)
  }
  const proofs: Awaited<ReturnType<typeof ask>>[] = []
  for (let asker = 0; asker < 33; asker += 1) proofs.push(await ask(String(asker)))
  const last = proofs.pop()
  const under = proofs.map((prove) => prove())
  expect(await last?.()).toMatchObject({ ok: false, refusal: { code: 'too-many-requests' } })
  // Far file servers hold up nobody on the scheduler's own machine.
  const near = await ask('near', 'file')
  expect(await near()).toMatchObject({ ok: true, value: { way: 'file' } })
  release()
  expect((await Promise.all(under)).every(({ ok }) => ok)).toBe(true)
  expect(await last?.()).toMatchObject({ ok: true, value: { owner: 'nobody', way: 'home' } })
})

test('a clock that is set back locks nobody out', () => {
  const challenges = new Challenges()
  const hour = 3_600_000
  const asked = (now: number) =>
    Array.from({ length: 30 }, () => challenges.mayAsk('anna', now)).filter(Boolean).length
  expect(asked(2 * hour)).toBe(20)
  expect(asked(hour)).toBe(0)
  expect(asked(hour + 1000)).toBe(2)
})

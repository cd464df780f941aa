import { afterEach, beforeEach, expect, test } from 'vitest'

import { eg } from '../support/eg.ts'
import { fakeApi, ownDataFolder, type FakeApi } from '../support/fake-api.ts'

const wallClock = '2027-10-31T01:29:50.000Z'
const steppedBy = (steppedByMs: number) => ({ wallClock, held: { steppedByMs, leftMs: 540_200 } })
let api: FakeApi
let data: ReturnType<typeof ownDataFolder>

beforeEach(async () => {
  data = ownDataFolder()
  api = await fakeApi({ confirmClock: () => ({ wallClock, held: null }) })
})
afterEach(async () => {
  await api.close()
  data.remove()
})

test('clock says whether schedules wait, by how much it stepped, and what helps', async () => {
  api.handlers.showClock = () => ({ wallClock, held: null })
  expect((await eg(['clock'], api)).out).toBe(`${wallClock}: schedules follow it\n`)
  const helps = 'schedules wait 9m1s more, or for "eg clock --confirm"'
  api.handlers.showClock = () => steppedBy(3_600_000)
  expect((await eg(['clock'], api)).out).toBe(`${wallClock}: it stepped forward by 1h; ${helps}\n`)
  api.handlers.showClock = () => steppedBy(-3_600_000)
  expect((await eg(['clock'], api)).out).toContain('it stepped back by 1h;')
  expect(JSON.parse((await eg(['clock', '--json'], api)).out)).toEqual(steppedBy(-3_600_000))
})

test('clock --confirm confirms', async () => {
  expect((await eg(['clock', '--confirm'], api)).out).toBe(`${wallClock}: schedules follow it\n`)
  expect(api.heard.map(({ name }) => name)).toEqual(['confirmClock'])
})

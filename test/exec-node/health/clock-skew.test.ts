import { expect, it } from 'vitest'

import { skewMeter } from '../../../exec-node/health/clock-skew.ts'

const date = 'Mon, 23 Nov 2026 08:00:00 GMT'
const then = Date.parse(date)

it.each([
  [then + 700, 'ok', '200ms ahead of the scheduler'],
  [then + 29_000, 'ok', '29s ahead of the scheduler'],
  [then - 45_000, 'failing', '46s behind the scheduler'],
  [then + 3_600_500, 'failing', '1h ahead of the scheduler'],
])('at %i it reads %s', async (now, verdict, value) => {
  const meter = skewMeter()
  meter.saw(date, now)
  expect(await meter.probe().read()).toEqual({ verdict, value })
})

it('knows nothing before the first reply, nor from one without a date', async () => {
  const meter = skewMeter()
  meter.saw(undefined, then)
  expect(await meter.probe().read()).toMatchObject({ verdict: 'unknown' })
})

import { expect, it } from 'vitest'

import { netemOf } from './netem-link.ts'

it('puts a rule into the words of tc-netem, with a jitter to both sides of the middle', () => {
  expect(netemOf({ delayMs: 200, jitterMs: 100 }).join(' ')).toBe('delay 250ms 50ms')
  expect(netemOf({ delayMs: 50, reorderPercent: 25 }).join(' ')).toBe('delay 50ms reorder 25%')
  expect(
    netemOf({ lossPercent: 30, doublePercent: 20, corruptPercent: 5, rateKbit: 32 }).join(' '),
  ).toBe('loss 30% duplicate 20% corrupt 5% rate 32kbit')
})

it('says nothing of a link that is well', () => {
  expect(netemOf({})).toEqual([])
})

/** What past runs say about the memory that a job asks for. */
import { describe, expect, test } from 'vitest'

import { pastOf, RecentPeaks } from '../../../scheduler/core/right-size.ts'

const mib = 2 ** 20
const gib = 2 ** 30
const advice = (peaksMib: number[], askedMib: number) =>
  pastOf(
    'bot',
    peaksMib.map((peak) => peak * mib),
    askedMib * mib,
  )?.advice

describe('advice', () => {
  test('where much more is asked for than is needed', () => {
    expect(advice([100, 310, 200], 2048)).toBe(
      'the last 3 runs of bot peaked at 310M, far below the 2G asked for: --mem 448M is enough',
    )
  })
  test('where it was close', () => {
    expect(advice([500, 310, 200], 512)).toBe(
      'the last 3 runs of bot peaked at 500M, close to the 512M asked for: ask for --mem 640M',
    )
    expect(advice([3000, 1, 1], 3000)).toContain('ask for --mem 3.8G')
  })
  test.each([
    ['it fits well', [300, 310, 200], 512],
    ['little could be saved', [10, 10, 10], 256],
    ['too few runs were seen', [10, 10], 4096],
  ] as const)('none where %s', (_, peaks, asked) => {
    expect(advice([...peaks], asked)).toBeNull()
  })
  test('what it advises is not advised against', () => {
    for (let peak = 1; peak < 5000; peak += 37) {
      const first = advice([peak, peak, peak], 100_000)
      const enough = /--mem ([\d.]+)([MG])/.exec(first ?? '')
      if (enough === null) continue
      const asked = Number(enough[1]) * (enough[2] === 'G' ? 1024 : 1)
      expect(advice([peak, peak, peak], asked), first ?? '').toBeNull()
    }
  })
})

test('what was measured, and nothing where nothing was', () => {
  expect(pastOf('bot', [], gib)).toBeNull()
  const many = Array.from({ length: 40 }, (_, nth) => nth + 1)
  expect(pastOf('bot', many, gib)).toMatchObject({ runs: 30, peakMemBytes: 30 })
})

test('recent peaks are kept for each owner and name, newest first, and not for ever', () => {
  const peaks = new RecentPeaks()
  for (let nth = 1; nth <= 40; nth++) peaks.add('anna', 'bot', nth)
  expect(peaks.of('anna', 'bot')).toHaveLength(30)
  expect(peaks.of('anna', 'bot')[0]).toBe(40)
  expect(peaks.of('bert', 'bot')).toEqual([])
  for (let nth = 0; nth < 10_000; nth++) peaks.add('bert', `job${nth}`, 1)
  expect(peaks.of('anna', 'bot')).toEqual([])
  expect(peaks.of('bert', 'job9999')).toEqual([1])
})

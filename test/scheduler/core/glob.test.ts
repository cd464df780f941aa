import fc from 'fast-check'
import { expect, it } from 'vitest'

import { globTest } from '../../../scheduler/core/glob.ts'

it.each([
  ['bot', 'bot', true],
  ['bot', 'bots', false],
  ['bot*', 'bot', true],
  ['*bot', 'mybot', true],
  ['b?t', 'bat', true],
  ['b?t', 'bt', false],
  ['a*b*c', 'aXbYbZc', true],
  ['a*b*c', 'aXbYbZ', false],
  ['*', '', true],
  ['a.c', 'abc', false],
])('%s on %s: %s', (pattern, name, expected) => {
  expect(globTest(pattern)(name)).toBe(expected)
})

it('agrees with a regular expression, where that is quick', () => {
  const letters = (extra: string) =>
    fc.string({ unit: fc.constantFrom('a', 'b', ...extra.split('')), maxLength: 8 })
  fc.assert(
    fc.property(letters('*?'), letters(''), (pattern, name) => {
      const source = pattern.replaceAll('*', '.*').replaceAll('?', '.')
      expect(globTest(pattern)(name)).toBe(new RegExp(`^${source}$`).test(name))
    }),
  )
})

it('is not held up by many stars', () => {
  const began = performance.now()
  expect(globTest(`${'*a'.repeat(50)}*b`)('a'.repeat(10_000))).toBe(false)
  expect(performance.now() - began).toBeLessThan(5_000)
})

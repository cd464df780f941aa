import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { nearest, parseOptions, says, type OptionTable } from '../../src/cli/options.ts'

const table = {
  name: { value: 'NAME', short: 'n', help: '' },
  env: { value: 'K=V', short: 'e', many: true, help: '' },
  follow: { short: 'f', help: '' },
  quiet: { short: 'q', help: '' },
} as const satisfies OptionTable

const none = { name: undefined, env: [], follow: false, quiet: false }

describe('what a line says', () => {
  const cases: [string[], object][] = [
    [[], { values: none }],
    [['--name', 'a'], { values: { ...none, name: 'a' } }],
    [['--name=a=b'], { values: { ...none, name: 'a=b' } }],
    [['--name='], { values: { ...none, name: '' } }],
    [['--name', '--follow'], { values: { ...none, name: '--follow' } }],
    [['-na', '-fq'], { values: { ...none, name: 'a', follow: true, quiet: true } }],
    [['-fn', 'a'], { values: { ...none, name: 'a', follow: true } }],
    [['--env', 'A=1', '--env=B=2'], { values: { ...none, env: ['A=1', 'B=2'] } }],
    [['x', '-f', 'y'], { values: { ...none, follow: true }, operands: ['x', 'y'] }],
    [['-'], { values: none, operands: ['-'] }],
    [['x', '--', '-f', '--'], { values: none, operands: ['x'], rest: ['-f', '--'] }],
  ]
  test.each(cases)('%j', (argv, line) => {
    expect(parseOptions(table, argv)).toEqual({
      ok: true,
      line: { operands: [], rest: null, ...line },
    })
  })

  test('a command ends the options with its first word', () => {
    expect(parseOptions(table, ['-f', 'ls', '-q', '--', 'x'], { ends: true })).toEqual({
      ok: true,
      line: { values: { ...none, follow: true }, operands: [], rest: ['ls', '-q', '--', 'x'] },
    })
  })
})

describe('what is wrong', () => {
  const cases: [string[], string][] = [
    [['--nmae', 'x'], 'there is no option --nmae; did you mean --name?'],
    [['--fol'], 'there is no option --fol; did you mean --follow?'],
    [['--zzzzzzzz'], 'there is no option --zzzzzzzz'],
    [['--constructor'], 'there is no option --constructor'],
    [['-x'], 'there is no option -x'],
    [['--name'], '--name needs NAME'],
    [['-n'], '-n needs NAME'],
    [['--follow=yes'], '--follow takes no value'],
    [['--name', 'a', '-n', 'b'], '-n is said twice'],
  ]
  test.each(cases)('%j: %s', (argv, problem) => {
    expect(parseOptions(table, argv)).toEqual({ ok: false, problem })
  })
})

describe('for any words', () => {
  const words = fc.array(
    fc.oneof(fc.string(), fc.constantFrom('-f', '--name', '--env', '--', '-n')),
  )
  test('a line is read or refused, never thrown at', () => {
    fc.assert(
      fc.property(words, fc.boolean(), (argv, ends) => {
        const parsed = parseOptions(table, argv, { ends })
        expect(parsed.ok || parsed.problem.length > 0).toBe(true)
      }),
    )
  })

  test('what stands after -- comes through word for word', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (command) => {
        const parsed = parseOptions(table, ['-f', '--', ...command], { ends: true })
        expect(parsed.ok && parsed.line.rest).toEqual(command)
      }),
    )
  })

  test('values come through word for word, by space and by =', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        for (const argv of [['--name', value], [`--name=${value}`]]) {
          const parsed = parseOptions(table, argv)
          expect(parsed.ok && parsed.line.values.name).toBe(value)
        }
      }),
    )
  })
})

test('the nearest word is one that is near', () => {
  expect(nearest('shwo', ['show', 'stop'])).toBe('show')
  expect(nearest('xyzzy', ['show', 'stop'])).toBeNull()
})

test.each([
  [['-f'], true],
  [['--follow'], true],
  [['-qf', '--wrong'], true],
  [['--wrong', '-n', 'a', '-f'], true],
  [['-n', '-f'], false],
  [['--', '-f'], false],
  [['-q', 'command', '-f'], false],
])('%j says --follow before its command: %s', (argv, said) => {
  expect(says(table, argv, 'follow')).toBe(said)
})

test('of a short word only what is very near is meant', () => {
  expect(nearest('--bad', ['--cwd', '--wait'])).toBeNull()
  expect(nearest('--cdw', ['--cwd', '--wait'])).toBeNull()
  expect(nearest('--cw', ['--cwd', '--wait'])).toBe('--cwd')
})

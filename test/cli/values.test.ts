import { describe, expect, test } from 'vitest'

import { UsageError } from '../../src/cli/command.ts'
import {
  arrayRange,
  beginTime,
  dependency,
  oneOf,
  pairs,
  path,
  positive,
  signal,
  size,
  whole,
} from '../../src/cli/values.ts'

const now = Date.parse('2026-11-23T08:00:00.000Z')
const local = (text: string) => new Date(text).toISOString()

describe('values', () => {
  const cases: [string, () => unknown, unknown][] = [
    ['size', () => size('mem', '1.5G'), 1.5 * 2 ** 30],
    ['no size', () => size('mem', undefined), undefined],
    ['whole', () => whole('slots', '4'), 4],
    ['negative', () => whole('priority', '-5', [-10, 10]), -5],
    ['half a core', () => positive('cpu', '.5'), 0.5],
    ['choice', () => oneOf('then', 'kill', ['requeue', 'kill']), 'kill'],
    ['pairs', () => pairs('where', ['disk=ssd', 'a=b=c']), { disk: 'ssd', a: 'b=c' }],
    ['signal name', () => signal('stop-signal', 'term'), 'SIGTERM'],
    ['whole signal name', () => signal('stop-signal', 'SIGINT'), 'SIGINT'],
    ['signal number', () => signal('stop-signal', '15'), 'SIGTERM'],
    ['one task', () => arrayRange('7'), { from: 7, to: 7, step: 1 }],
    ['array', () => arrayRange('1-100:2'), { from: 1, to: 100, step: 2 }],
    ['after', () => dependency('17'), { job: '17', on: 'ok' }],
    ['after any', () => dependency('collect:any'), { job: 'collect', on: 'any' }],
    ['in a while', () => beginTime('+1h30m', now), '2026-11-23T09:30:00.000Z'],
    ['at once', () => beginTime('now', now), '2026-11-23T08:00:00.000Z'],
    ['an instant', () => beginTime('2026-12-01T00:00:00+01:00', now), '2026-11-30T23:00:00.000Z'],
    ['a local day', () => beginTime('2026-12-01', now), local('2026-12-01T00:00')],
    ['a local time', () => beginTime('2026-12-01T10:00', now), local('2026-12-01T10:00')],
  ]
  test.each(cases)('%s', (_, made, value) => {
    expect(made()).toEqual(value)
  })

  test('a time of day is the next one', () => {
    const next = Date.parse(beginTime('18:30', now) ?? '')
    expect(next).toBeGreaterThan(now)
    expect(next - now).toBeLessThanOrEqual(86_400_000)
    expect(new Date(next).getHours()).toBe(18)
    expect(new Date(next).getMinutes()).toBe(30)
  })
})

describe('what is none', () => {
  const cases: [string, () => unknown][] = [
    ['--mem: "much" is not a size', () => size('mem', 'much')],
    ['--slots: "0" is not a whole number from 1 on', () => whole('slots', '0')],
    ['--retry: "1e3" is not a whole number from 0 to 5', () => whole('retry', '1e3', [0, 5])],
    ['--cpu: "0" is not a positive number', () => positive('cpu', '0')],
    ['--then: "x" is none of a, b', () => oneOf('then', 'x', ['a', 'b'])],
    ['--where: "disk" is not KEY=VALUE', () => pairs('where', ['disk'])],
    ['--stop-signal: "STOPIT" is not a signal', () => signal('stop-signal', 'STOPIT')],
    ['--array: "5-1" is not a range', () => arrayRange('5-1')],
    ['--array: "0-1" is not a range', () => arrayRange('0-1')],
    ['--after: "17:later" is not JOB', () => dependency('17:later')],
    ['--begin: "25:00" is not a time', () => beginTime('25:00', now)],
    ['--begin: "2027-02-30" is not a time', () => beginTime('2027-02-30', now)],
    ['--begin: "2027-02-03x" is not a time', () => beginTime('2027-02-03x', now)],
    ['--data: the name is empty', () => path('data', '')],
    ['18:00 (the next one), +90m or now', () => beginTime('later', now)],
    ['--begin: "tomorrow" is not a time', () => beginTime('tomorrow', now)],
  ]
  test.each(cases)('%s', (problem, made) => {
    expect(made).toThrow(UsageError)
    expect(made).toThrow(problem)
  })
})

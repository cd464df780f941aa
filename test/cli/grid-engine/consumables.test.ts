/** `-l NAME=N`: a consumable where the grid has defined it, else a label, as ever. */
import { expect, test } from 'vitest'

import { consumablesOf } from '../../../src/cli/grid-engine/consumables.ts'
import { askedFor } from '../../../src/cli/grid-engine/resources.ts'

function made(list: string) {
  const hard = list.split(',').map((part) => {
    const [name = '', value = 'TRUE'] = part.split('=')
    return { name, value }
  })
  const { request, labels } = askedFor(hard, 1)
  const job = { command: ['true'], cwd: '/', ...request }
  return consumablesOf(
    { request: job, labels, queue: null },
    new Set(['lic', 'lock', 'constructor']),
  )
}

test.each([
  ['lic=2', { resources: { lic: 2 } }, []],
  ['lic=2,disk=ssd', { resources: { lic: 2 }, where: { disk: 'ssd' } }, ['disk']],
  ['lock', { resources: { lock: 1 } }, []],
  ['lic=0', {}, []],
  ['constructor=1', { resources: { constructor: 1 } }, []],
  ['disk=ssd,toString=1', { where: { disk: 'ssd', toString: '1' } }, ['disk', 'toString']],
])('-l %s', (list, request, labels) => {
  const { labels: left, request: job } = made(list)
  const { command: _, cwd: __, ...rest } = job
  expect(rest).toEqual(request)
  expect(left).toEqual(labels)
})

test('an amount is a whole number', () => {
  expect(() => made('lic=half')).toThrow('attribute "lic" is not an integer value')
})

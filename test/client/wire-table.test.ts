import { expect, test } from 'vitest'

import { routes } from '../../proto/api.ts'
import { wireTable } from '../../src/client/wire-table.ts'

test('the wire table says of every route what proto says', () => {
  const said = Object.fromEntries(
    Object.entries(routes).map(([name, route]) => [
      name,
      [route.method, route.path, ...('shape' in route ? [route.shape] : [])],
    ]),
  )
  expect(wireTable).toEqual(said)
})

import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

import { expect, test } from 'vitest'

import { startProblem } from '../../src/lib/daemon.ts'

test('a port that is taken is told with what to do', async () => {
  const first = createServer().listen(0, '127.0.0.1')
  await once(first, 'listening')
  const { port } = first.address() as AddressInfo
  const second = createServer().listen(port, '127.0.0.1')
  const [error] = (await once(second, 'error')) as [Error]
  expect(startProblem(error)).toBe(
    `something listens on port ${port} of 127.0.0.1 already: use that grid, or take another port with --port`,
  )
  first.close()
  expect(startProblem(new Error('as it is'))).toBe('as it is')
})

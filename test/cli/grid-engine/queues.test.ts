/** Queues that a site has made, and bots, in Grid Engine's forms. */
import { expect, test } from 'vitest'

import { GridEngineWorld } from '../../support/grid-engine.ts'

test('a queue of the site is submitted to, shown, listed, and closed', async () => {
  const world = await GridEngineWorld.open({ slots: 4 })
  const root = world.client('root')
  await root.call('addQueue', { body: { name: 'short.q', kinds: ['task'], priority: 5 } })
  await world.submit('alice', 10, '-q short.q -pe smp 2 -N quick -b y sleep 9')
  await world.submit('bob', 11, '-q short.q@vm -N his -b y sleep 9')
  await root.call('submitJob', {
    body: { kind: 'continuous', name: 'bot', command: ['bot'], cwd: '/', env: {}, owner: 'alice' },
  })
  await world.start()
  const run = async (...argv: string[]) => (await world.run('alice', argv)).stdout
  const full = await run('qstat', '-f')
  expect(full).toMatch(/^short\.q@vm +BIP +0\/3\/4 .*\n +10 .*quick.*\n-/m)
  expect(full).toMatch(/^continuous@vm +BIP +0\/1\/4 .*\n.* bot /m)
  expect(full).toMatch(/^all\.q@vm +BIP +0\/0\/4 /m)
  expect(full).not.toContain(' his ')
  expect(await run('qstat', '-q', 'short.q', '-u', '*')).toMatch(/ quick [^]* his /)
  expect(await run('qstat', '-g', 'c')).toMatch(/^short\.q +-NA- +3 +0 +1 +4 /m)
  expect(await run('qhost', '-q', '-j')).toMatch(/^ {3}short\.q +BIP +0\/3\/4 +\n +10 /m)
  expect(await run('qconf', '-sql')).toBe('all.q\nshort.q\n')
  expect(await run('qconf', '-sq', 'short.q')).toMatch(/^qname +short\.q$/m)
  expect(await run('qselect', '-q', 'short*')).toBe('short.q@vm\n')
  const { spec } = await world.client('alice').call('showJob', { params: { job: '10' } })
  expect(spec.env['QUEUE']).toBe('short.q')
  expect((await world.run('alice', ['qmod', '-d', 'short.q'])).exit).toBe(1)
  expect((await world.run('root', ['qmod', '-d', 'short.q'])).stdout).toBe(
    'root@vm changed state of "short.q" (disabled)\n',
  )
  expect(await run('qstat', '-f')).toMatch(/^short\.q@vm .* d$/m)
})

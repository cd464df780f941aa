/** The black-hole breaker on real daemons: quarantined, so after a restart too, tried with one task, trusted again. */
import type { Static } from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { GridEvent } from '../../proto/api-grid.ts'
import { isRoot } from '../support/as-user.ts'
import { TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

/** Accounts that every system has; as many as it takes. */
const owners = [65_534, 1, 2]
const here = ['--where', 'node=node1']

describe.skipIf(!isRoot)('a node on which the runs of several owners fail at once', () => {
  let grid: TestGrid
  beforeAll(async () => {
    grid = await TestGrid.start({ nodes: 2, env: { EVERGRID_CANARY_AFTER: '2' } })
  })
  afterAll(() => grid?.end())

  const reason = async () => (await grid.node('node1')).reason ?? ''
  const eventsOf = async (what: string): Promise<Static<typeof GridEvent>[]> =>
    (await grid.ok('events', '--json'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Static<typeof GridEvent>)
      .filter((event) => event.what === what)

  test('takes no more work, says why, and does so after a restart of the scheduler', async () => {
    for (const uid of owners) {
      const failing = await grid.egOf(uid, 'submit', '--quiet', ...here, '--', 'sh', '-c', 'exit 1')
      expect(failing.status).toBe(0)
    }
    await until(async () => (await reason()).includes('quarantined'), { what: 'the breaker' })
    const before = grid.pidOf('scheduler')
    process.kill(before, 'SIGKILL')
    await until(() => grid.pidOf('scheduler') !== before, { what: 'another scheduler' })
    const node = await until(
      async () => {
        const now = await grid.node('node1')
        return now.state === 'up' ? now : null
      },
      { what: 'its report' },
    )
    expect(node.cordoned).toBe(true)
    expect(node.reason).toMatch(/^quarantined: 3 runs of 3 owners failed within \d+ s \(exit 1\)/)
    expect(await eventsOf('node-quarantined')).toHaveLength(1)
    // What may run elsewhere does.
    expect((await grid.eg('submit', '--wait', '--', 'true')).status).toBe(0)
    expect(await grid.ok('history', '--json')).toContain('"node2"')
  })

  test('stays closed when its canary fails too', async () => {
    const canary = await grid.submit(...here, '--', 'sh', '-c', 'exit 3')
    expect((await grid.finished(canary)).cause).toMatchObject({ kind: 'exit', code: 3 })
    await until(async () => (await reason()).includes(`canary ${canary}.1 failed too`), {
      what: 'the verdict',
    })
    expect(await eventsOf('node-trusted')).toEqual([])
  })

  test('is trusted again when one task, alone there, has done well', async () => {
    const waiter = ['sh', '-c', 'while [ ! -e go ]; do sleep 0.05; done']
    const canary = await grid.submit(...here, '--name', 'canary', '--', ...waiter)
    const others = [
      await grid.submit(...here, '--', 'true'),
      await grid.submit(...here, '--', 'true'),
    ]
    expect(await grid.ok('explain', String(others[0]))).toContain('quarantined')
    await grid.running(canary)
    await grid.ok('submit', '--where', 'node=node2', '--wait', '--', 'touch', 'go')
    for (const job of [canary, ...others])
      expect((await grid.finished(job)).outcome).toBe('succeeded')
    const [trusted] = await eventsOf('node-trusted')
    expect(trusted).toMatchObject({ node: 'node1' })
    const tried = await eventsOf('canary')
    expect(tried.map(({ detail }) => detail).at(-1)).toBe(`task ${canary}.1 is tried on node1`)
    const started = (await eventsOf('run-started')).filter(({ job }) => others.includes(job ?? 0))
    expect(started).toHaveLength(2)
    for (const { id } of started) expect(id).toBeGreaterThan(trusted?.id ?? Infinity)
    expect(await reason()).toBe('')
  })
})

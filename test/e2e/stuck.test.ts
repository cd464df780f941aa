/** A process that cannot be killed keeps its slot, and everybody can see which it is and where it hangs. */
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isRoot } from '../support/as-user.ts'
import { openFreezer, type Freezer } from '../support/frozen.ts'
import { TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

describe.runIf(isRoot)('a job that writes to a file system that hangs', () => {
  let freezer: Freezer | null = null
  let grid: TestGrid
  beforeAll(async () => {
    freezer = openFreezer()
    grid = await TestGrid.start({ nodes: 1, slots: 1 })
  })
  afterAll(async () => {
    freezer?.close()
    await grid?.end()
  })

  test('keeps its slot after a stop, is shown with pid, state and wait channel, and frees it at its end', async ({
    skip,
  }) => {
    skip(freezer === null, 'no file system of our own')
    const file = `of=${join(freezer?.path ?? '', 'file')}`
    const writer = await grid.submit(
      '--name',
      'writer',
      '--grace',
      '1s',
      '--',
      'dd',
      'if=/dev/zero',
      'bs=1',
      file,
    )
    const next = await grid.submit('--name', 'next', '--', 'true')
    const { pid } = await grid.running(writer)
    freezer?.freeze()
    try {
      await grid.ok('stop', String(writer))
      const firstStuck = async () => (await grid.node('node1')).stuck[0]
      const stuck = await until(firstStuck, { what: 'a process that does not die' })
      const waitChannel = expect.stringMatching(/^\w+$/)
      expect(stuck).toEqual({ task: `${writer}.1`, pid, state: 'D', waitChannel })
      expect(await grid.ok('show', String(writer))).toMatch(
        new RegExp(`process ${pid} does not die \\(state D, in ${stuck.waitChannel}\\)`),
      )
      expect(await grid.ok('node', 'show', 'node1')).toMatch(
        new RegExp(`${writer}\\.1 +${pid} +D +${stuck.waitChannel}`),
      )
      expect(await grid.node('node1')).toMatchObject({ slotsUsed: 1 })
      expect(await grid.show(next)).toMatchObject({ state: 'pending' })
    } finally {
      freezer?.thaw()
    }
    const over = await grid.finished(writer)
    expect(over).toMatchObject({ outcome: 'cancelled' })
    expect(await grid.finished(next)).toMatchObject({ outcome: 'succeeded' })
    expect(await grid.node('node1')).toMatchObject({ slotsUsed: 0, stuck: [] })
  })
})

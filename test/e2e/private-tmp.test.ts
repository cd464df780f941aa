/** `--private-tmp`: jobs do not meet in /tmp. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'

import { afterEach, expect, test } from 'vitest'

import { TestGrid } from '../support/grid.ts'

const isRoot = process.getuid?.() === 0
let grid: TestGrid | null = null
afterEach(async () => {
  await grid?.end()
  grid = null
})

test.skipIf(!isRoot)('a job finds its own TMPDIR at /tmp, and its script in it', async () => {
  grid = await TestGrid.start({ args: ['--private-tmp'] })
  const planted = `/tmp/evergrid-planted-${process.pid}`
  writeFileSync(planted, 'by somebody else')
  try {
    const script = `echo "$TMPDIR"; ls -A /tmp; echo secret > ${planted}-own`
    const job = await grid.submit('--out', 'own', '--', 'sh', '-c', script)
    expect((await grid.finished(job)).outcome).toBe('succeeded')
    expect(grid.text('own')).toBe('/tmp\n')
    expect(existsSync(`${planted}-own`)).toBe(false)
  } finally {
    rmSync(planted)
  }
})

test.skipIf(isRoot)(
  'an account that may not mount is told so, and has no node without',
  async () => {
    await expect(TestGrid.start({ args: ['--private-tmp'] })).rejects.toThrow(
      'leave out --private-tmp',
    )
  },
)

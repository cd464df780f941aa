/** Homes that are mounted: on demand by the look into them, and not where anybody could have mounted one. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { nativeProgram } from '../../../src/lib/native-program.ts'
import { isRoot } from '../../support/as-user.ts'
import { compiled } from '../../support/compiled.ts'

const owner = '70001'
const hasAutofs = readFileSync('/proc/filesystems', 'utf8').includes('autofs')
/** Of the test's program, where the machine does not let it mount. */
const mayNot = 77

test.skipIf(!isRoot || !hasAutofs)('a home under autofs is mounted and read', ({ skip }) => {
  const top = mkdtempSync(join(tmpdir(), 'evergrid-automount-'))
  try {
    chmodSync(top, 0o755)
    const home = join(top, 'home')
    mkdirSync(home)
    const look = [nativeProgram('home-proof'), owner, owner, home, 'c']
    const { status, stdout, stderr } = spawnSync(
      compiled(top, 'automount', 'scheduler'),
      [home, ...look],
      { env: { OWNER: owner }, timeout: 15_000, encoding: 'utf8' },
    )
    skip(status === mayNot, stderr)
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'text', stderr: '' })
  } finally {
    rmSync(top, { recursive: true })
  }
})

test.skipIf(!isRoot).each([
  ['of root’s', 0o755, 0, ''],
  ['open to all and sticky', 0o1777, 1, 'is mounted in a folder that others can write'],
])('a home mounted in a folder %s', (_, mode, status, problem) => {
  const top = mkdtempSync(join(tmpdir(), 'evergrid-mounted-'))
  try {
    const home = join(top, 'home')
    mkdirSync(home)
    chmodSync(top, mode)
    const folder = join(home, '.evergrid-proof')
    const own = `-o ${owner} -g ${owner}`
    const script = `mount -t tmpfs -o mode=755,uid=${owner} none ${home} && install -d -m 700 ${own} ${folder} &&
      install -m 600 ${own} /dev/null ${folder}/c && exec "$@"`
    const look = [nativeProgram('home-proof'), owner, owner, home, 'c']
    const looked = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', ...look], {
      timeout: 15_000,
      encoding: 'utf8',
    })
    expect(looked).toMatchObject({ status, stderr: expect.stringContaining(problem) })
  } finally {
    rmSync(top, { recursive: true })
  }
})

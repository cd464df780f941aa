/** A home that the scheduler's machine mounts on demand: the look into it has it mounted, as any program's would. */
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

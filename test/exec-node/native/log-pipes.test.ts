/** Faults of the shepherd's own system calls: made by compiling its parts with calls that fail. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, it } from 'vitest'

it('a logger that could not be forked is nobody: no signal is sent in its place', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-native-'))
  try {
    const program = join(folder, 'log-pipes')
    const source = fileURLToPath(new URL('log-pipes.c', import.meta.url))
    execFileSync(process.env['CC'] ?? 'cc', ['-std=gnu11', '-o', program, source])
    expect(execFileSync(program).toString()).toBe('over\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

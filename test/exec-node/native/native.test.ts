/** Parts of the native programs by themselves: faults of their system calls are made by compiling them with calls that fail. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { uptimeMs } from '../../../exec-node/process/boot.ts'
import { compiled } from '../../support/compiled.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evergrid-native-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

it('a logger that could not be forked is nobody: no signal is sent in its place', () => {
  expect(execFileSync(compiled(folder, 'log-pipes')).toString()).toBe('over\n')
})

it('the uptime is the one that the agent reads', () => {
  const program = compiled(folder, 'uptime')
  const before = uptimeMs()
  const found = Number(execFileSync(program))
  expect(found).toBeGreaterThanOrEqual(before)
  expect(found).toBeLessThanOrEqual(uptimeMs())
})

it.runIf(process.getuid?.() === 0)('the uptime of a container is its own', () => {
  const program = compiled(folder, 'uptime')
  const file = join(folder, 'of-a-container')
  writeFileSync(file, '12.34 5.00\n')
  const argv = ['-m', 'sh', '-c', 'mount --bind "$0" /proc/uptime && exec "$1"', file, program]
  expect(Number(execFileSync('unshare', argv))).toBe(12_340)
})

/** What becomes of what is printed: a reader that goes, a disk that is full, and words that others chose. */
import { execFile } from 'node:child_process'

import { expect, test } from 'vitest'

import { egPath } from '../support/grid.ts'

/** `$EG` is the built command. */
const shell = (script: string) =>
  new Promise<{ status: unknown; out: string; err: string }>((resolve) => {
    execFile('sh', ['-c', script], { env: { ...process.env, EG: egPath } }, (error, out, err) =>
      resolve({ status: error?.code ?? 0, out, err }),
    )
  })

test('a reader that has gone is no error', async () => {
  const { err } = await shell('{ "$EG" help; echo "status $?" >&2; } | true')
  expect(err).toBe('status 0\n')
})

test('output that could not be written is one', async () => {
  const { status, err } = await shell('"$EG" help > /dev/full')
  expect(status).toBe(1)
  expect(err).toMatch(/^eg: what was to be printed could not be written: ENOSPC/)
})

test('what is said steers no terminal', async () => {
  const { status, err } = await shell(String.raw`"$EG" "$(printf 'a\033[2J\007')"`)
  expect(status).toBe(2)
  expect(err.split('\n')[0]).toBe('eg: there is no command "a\uFFFD[2J\uFFFD"')
})

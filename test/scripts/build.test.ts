/** `npm run build` where the account may not write: no compiler's errors, but who can do what about it. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { isRoot, nobody } from '../support/as-user.ts'

/** A checkout with its packages, closed to writing. */
function checkout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-checkout-'))
  for (const inner of ['scripts', 'node_modules/typescript', 'dist/bin', 'src/cli'])
    mkdirSync(join(folder, inner), { recursive: true })
  copyFileSync('scripts/build.mjs', join(folder, 'scripts/build.mjs'))
  const closed = (mode: number) => {
    for (const path of ['.', 'dist']) chmodSync(join(folder, path), mode)
  }
  closed(0o555)
  onTestFinished(() => {
    closed(0o755)
    rmSync(folder, { recursive: true })
  })
  return folder
}

const build = (folder: string) =>
  spawnSync(process.execPath, [join(folder, 'scripts/build.mjs')], {
    encoding: 'utf8',
    ...(isRoot ? { uid: nobody.uid, gid: nobody.uid } : {}),
  })

test('what has never been built is to be built by whom the checkout belongs to', () => {
  const folder = checkout()
  const { status, stdout, stderr } = build(folder)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toBe(
    `${join(folder, 'dist')} cannot be written by this account: run \`npm run build\` as its owner first.\n`,
  )
})

test('what has been built is used as it is', () => {
  const folder = checkout()
  writeFileSync(join(folder, 'dist/bin/eg'), '')
  const { status, stderr } = build(folder)
  expect(status).toBe(0)
  expect(stderr).toBe(
    `${join(folder, 'dist')} cannot be written by this account: what its owner has built is used as it is.\n`,
  )
})

test('what has changed since it was built is named', () => {
  const folder = checkout()
  const [built, source] = ['dist/bin/eg', 'src/cli/main.ts'].map((path) => join(folder, path))
  for (const path of [built, source]) writeFileSync(path as string, '')
  const at = (path: string | undefined, seconds: number) => utimesSync(path ?? '', seconds, seconds)
  const used = `${join(folder, 'dist')} cannot be written by this account: what its owner has built is used as it is`
  at(built, 2_000)
  at(source, 1_000)
  expect(build(folder)).toMatchObject({ status: 0, stderr: `${used}.\n` })
  at(source, 3_000)
  expect(build(folder)).toMatchObject({
    status: 0,
    stderr: `${used}.\nIt may be older than the sources: src/cli/main.ts has changed since. Run \`npm run build\` as its owner.\n`,
  })
})

test('what is no source, or cannot be looked at, is no reason not to use what has been built', () => {
  const folder = checkout()
  const built = join(folder, 'dist/bin/eg')
  writeFileSync(built, '')
  utimesSync(built, 2_000, 2_000)
  const used = `${join(folder, 'dist')} cannot be written by this account: what its owner has built is used as it is.\n`
  // As an editor has it of a file that is being changed: it leads nowhere.
  symlinkSync('ada@example.4711', join(folder, 'src/cli/.#save.ts'))
  writeFileSync(join(folder, 'src/cli/notes.txt'), '')
  expect(build(folder)).toMatchObject({ status: 0, stderr: used })
  const closed = join(folder, 'src/closed')
  mkdirSync(closed)
  writeFileSync(join(closed, 'main.ts'), '')
  chmodSync(closed, 0o000)
  const ended = build(folder)
  chmodSync(closed, 0o755)
  expect(ended).toMatchObject({ status: 0, stderr: used })
})

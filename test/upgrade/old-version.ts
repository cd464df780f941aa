/** An earlier version of Evergrid, built from this clone's history into a temporary folder, over our own packages. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** As landed before the work of which this test is a part. */
const landed = 'e34c6a0ef68c44348d057106f332bda2ea166d1a'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Path of its `eg`. */
export function buildOldVersion(folder: string): string {
  const known = spawnSync('git', ['cat-file', '-e', `${landed}^{commit}`], { cwd: root })
  if (known.status !== 0)
    throw new Error(
      `the history of this clone does not reach back to ${landed}, the version to upgrade from: ` +
        'fetch it with `git fetch --unshallow`, and run this where git can read the clone',
    )
  mkdirSync(folder)
  const archive = execFileSync('git', ['archive', landed], { cwd: root, maxBuffer: 2 ** 28 })
  execFileSync('tar', ['-x', '-C', folder], { input: archive })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  execFileSync(process.execPath, [join(folder, 'scripts/build.mjs')], { stdio: 'inherit' })
  return join(folder, 'dist/bin/eg')
}

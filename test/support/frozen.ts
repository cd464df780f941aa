/** A small file system of its own that can be frozen: who writes there then sleeps so that no signal ends it. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Freezer = { path: string; freeze(): void; thaw(): void; close(): void }

/** Null where the machine has no loop devices for us. Open it where it is certainly closed, not on import: it outlives the test. */
export function openFreezer(): Freezer | null {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-frozen-'))
  const [image, path] = [join(folder, 'image'), join(folder, 'mount')]
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { stdio: 'ignore', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } })
  try {
    chmodSync(folder, 0o755)
    mkdirSync(path)
    writeFileSync(image, '')
    truncateSync(image, 8 << 20)
    run('mkfs.ext4', '-q', '-F', image)
    run('mount', '-o', 'loop', image, path)
  } catch {
    rmSync(folder, { recursive: true, force: true })
    return null
  }
  chmodSync(path, 0o777)
  let isFrozen = false
  const thaw = () => {
    if (isFrozen) run('fsfreeze', '-u', path)
    isFrozen = false
  }
  return {
    path,
    freeze() {
      run('fsfreeze', '-f', path)
      isFrozen = true
    },
    thaw,
    close() {
      thaw()
      run('umount', '-l', path)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

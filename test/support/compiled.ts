/** C programs of the tests: parts of the native ones, with calls that fail or kill where the real ones would have to be unlucky. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Compiles `test/ROOM/native/NAME.c` into the folder; answers the program's path. */
export function compiled(folder: string, name: string, room = 'exec-node'): string {
  const program = join(folder, name)
  const source = fileURLToPath(new URL(`../${room}/native/${name}.c`, import.meta.url))
  execFileSync(process.env['CC'] ?? 'cc', ['-std=gnu11', '-o', program, source])
  return program
}

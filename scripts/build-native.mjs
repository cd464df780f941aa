// Compiles each C program of exec-node/native/ and scheduler/native/ into build/native/. Needs a C compiler, as
// better-sqlite3 does; runs as part of `npm ci`.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const rooms = ['exec-node', 'scheduler'].map((room) => join(root, room, 'native'))
const to = join(root, 'build', 'native')
const compiler = process.env.CC ?? 'cc'
mkdirSync(to, { recursive: true })
for (const source of rooms.flatMap(sourcesIn)) {
  const program = join(to, basename(source, '.c'))
  const flags = ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror']
  // A program that runs now keeps its file: the new one takes its name, not its bytes.
  execFileSync(compiler, [...flags, '-o', `${program}.new`, source], { stdio: 'inherit' })
  renameSync(`${program}.new`, program)
}

function sourcesIn(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(folder, name))
}

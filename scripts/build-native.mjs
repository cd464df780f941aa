// Compiles each C program of exec-node/native/ into build/native/. Needs a C compiler, as
// better-sqlite3 does; runs as part of `npm ci`.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const from = join(root, 'exec-node', 'native')
const to = join(root, 'build', 'native')
const compiler = process.env.CC ?? 'cc'
mkdirSync(to, { recursive: true })
for (const file of readdirSync(from).filter((name) => name.endsWith('.c'))) {
  const program = join(to, basename(file, '.c'))
  const flags = ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror']
  // A program that runs now keeps its file: the new one takes its name, not its bytes.
  execFileSync(compiler, [...flags, '-o', `${program}.new`, join(from, file)], { stdio: 'inherit' })
  renameSync(`${program}.new`, program)
}

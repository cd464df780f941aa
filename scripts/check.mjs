// `npm run check`: types, rules, format and dead code. All are asked, each tells its time, and any failure fails.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const steps = [
  ['types', 'tsc', '--noEmit'],
  ['rules', 'oxlint', '--type-aware'],
  ['format', 'oxfmt', '--check'],
  ['dead code', 'knip', '--no-progress'],
]

const done = steps.map(([name, program, ...args]) => {
  const began = performance.now()
  process.stdout.write(`\n== ${name}: ${program} ${args.join(' ')}\n`)
  const { status, error } = spawnSync(join(root, 'node_modules/.bin', program), args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (error) process.stdout.write(`${error.message}\n`)
  return { name, ok: status === 0, seconds: (performance.now() - began) / 1000 }
})

process.stdout.write('\n')
for (const { name, ok, seconds } of done)
  process.stdout.write(
    `${ok ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s\n`,
  )
process.exitCode = done.every(({ ok }) => ok) ? 0 : 1

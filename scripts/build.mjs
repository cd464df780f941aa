// `npm run build`: TypeScript to dist/, the files it reads beside it, the commands in dist/bin/.
import { execFileSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
if (!existsSync(join(root, 'node_modules/typescript'))) {
  console.error('The packages are not installed: run `npm ci` first.')
  process.exit(1)
}
const place = existsSync(dist) ? dist : root
if (!isWritable(place)) {
  const isBuilt = existsSync(join(dist, 'bin/eg'))
  const advice = isBuilt
    ? 'what its owner has built is used as it is'
    : 'run `npm run build` as its owner first'
  console.error(`${place} cannot be written by this account: ${advice}.`)
  const changed = isBuilt ? changedSince(statSync(join(dist, 'bin/eg')).mtimeMs) : null
  // A copy of a checkout may have all its times anew: said, and no reason to refuse.
  if (changed)
    console.error(
      `It may be older than the sources: ${changed} has changed since. Run \`npm run build\` as its owner.`,
    )
  process.exit(isBuilt ? 0 : 1)
}
execFileSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')],
  {
    stdio: 'inherit',
  },
)
// One that has got another number since would be there twice.
rmSync(join(dist, 'scheduler/store/migrations'), { recursive: true, force: true })
cpSync(join(root, 'scheduler/store/migrations'), join(dist, 'scheduler/store/migrations'), {
  recursive: true,
})
// A checkout that has moved on since `npm ci` compiled them.
const changedAt = (folder) =>
  Math.max(0, ...readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs))
const programs = join(root, 'build/native')
const sources = ['exec-node/native', 'scheduler/native'].map((folder) => join(root, folder))
if (!existsSync(programs) || changedAt(programs) < Math.max(...sources.map(changedAt))) {
  execFileSync(process.execPath, [join(root, 'scripts/build-native.mjs')], { stdio: 'inherit' })
}
mkdirSync(join(dist, 'bin'), { recursive: true })
// Through a shell so that a link to the command finds its program; `exec` leaves no shell behind. A link beside it
// needs no readlink, which would cost every call a process.
const eg = `#!/bin/sh
home=\${0%/*}/..
[ -f "$home/src/cli/main.js" ] || { self=$(readlink -f "$0"); home=\${self%/bin/*}; }
exec "\${EVERGRID_NODE:-node}" "$home/src/cli/main.js" --called-as="\${0##*/}" "$@"
`
writeFileSync(join(dist, 'bin', '.eg.new'), eg)
chmodSync(join(dist, 'bin', '.eg.new'), 0o755)
renameSync(join(dist, 'bin', '.eg.new'), join(dist, 'bin', 'eg'))
const called = await import(pathToFileURL(join(dist, 'src/cli/programs.js')).href)
const names = Object.keys(called.programs)
for (const name of readdirSync(join(dist, 'bin')))
  if (name !== 'eg' && !names.includes(name)) rmSync(join(dist, 'bin', name))
for (const name of names)
  if (!existsSync(join(dist, 'bin', name))) symlinkSync('eg', join(dist, 'bin', name))

/** The first source that is younger, from the root; null where none is, or they cannot be looked at. */
function changedSince(builtAt) {
  try {
    for (const room of ['proto', 'scheduler', 'exec-node', 'src'].filter((name) =>
      existsSync(join(root, name)),
    )) {
      for (const name of readdirSync(join(root, room), { recursive: true })) {
        if (!/\.(ts|sql)$/.test(name)) continue
        // An editor's lock is a link that leads nowhere.
        const file = statSync(join(root, room, name), { throwIfNoEntry: false })
        if (file?.isFile() && file.mtimeMs > builtAt) return join(room, name)
      }
    }
  } catch {
    // What has been built is used all the same.
  }
  return null
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

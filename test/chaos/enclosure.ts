/**
 * Where the run takes place: as root in namespaces of its own for processes, network and mounts, so that whatever
 * becomes of the run nothing of it is left, and its addresses and mounts disturb nobody. Otherwise as it is.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * A shell as first process: it also buries orphans, which Node would leave as zombies. The project is seen below the
 * folder, for /tmp, where it may lie, is another one here.
 */
const firstProcess = `
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mount --bind . "$1/project" && mount -o remount,ro,bind "$1/project"
cd "$1/project"
mount --bind "$1/tmp" /tmp
ip link set lo up
set +e
shift
"$@"
exit $?
`
const project = fileURLToPath(new URL('../..', import.meta.url))
const spaces = [
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--mount-proc',
  '--kill-child',
  '--propagation',
  'private',
]

/** Why there can be no namespaces here; null: there can. */
export function enclosureProblem(): string | null {
  if (process.getuid?.() !== 0) return 'not root'
  const tried = spawnSync('unshare', [...spaces, 'ip', 'link', 'set', 'lo', 'up'], {
    encoding: 'utf8',
  })
  if (tried.error) return 'no unshare (util-linux)'
  return tried.status === 0 ? null : tried.stderr.trim().split('\n').at(-1) || 'unshare failed'
}

export function makeFolder(): string {
  const folder = realpathSync(mkdtempSync('/var/tmp/evergrid-chaos-'))
  chmodSync(folder, 0o755)
  for (const name of ['tmp', 'project']) mkdirSync(join(folder, name))
  chmodSync(join(folder, 'tmp'), 0o1777)
  return folder
}

/** Runs a command in it (or, where there can be none, beside it); its exit status. */
export function enclosed(
  folder: string,
  command: string[],
  problem: string | null,
): Promise<number> {
  const argv =
    problem === null
      ? ['unshare', ...spaces, 'bash', '-c', firstProcess, 'chaos', folder, ...command]
      : command
  const [program = '', ...rest] = argv
  const child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit'], cwd: project })
  // `unshare` itself heeds no other; what it encloses ends with it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => child.kill('SIGKILL'))
  return new Promise((resolve) => {
    child.once('error', () => resolve(125))
    child.once('exit', (code) => resolve(code ?? 125))
  })
}

export const tagOf = (dataDir: string): string =>
  createHash('sha256').update(dataDir).digest('hex').slice(0, 8)

/** Where there is no namespace that ends with the run: whatever still works in its folder is ended. */
export function endStrays(folder: string): void {
  for (const pid of readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid,
  )) {
    const about = [
      () => readlinkSync(`/proc/${pid}/cwd`),
      () => readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
    ]
    if (!about.some((read) => tried(read, '').includes(folder))) continue
    tried(() => process.kill(Number(pid), 'SIGKILL'), false)
  }
}

/** Removes what the run's nodes have made in the cgroup hierarchies; paths of runs that were left there. */
export function clearCgroups(folder: string, nodes: readonly string[]): string[] {
  const ours = nodes.map((name) => `evergrid-${name}-${tagOf(join(folder, name))}`)
  const root = '/sys/fs/cgroup'
  const found = ['', ...names(root)].flatMap((controller) =>
    names(join(root, controller))
      .filter((name) => ours.includes(name) || name === `evergrid-chaos-${tagOf(folder)}`)
      .map((name) => join(root, controller, name)),
  )
  const left: string[] = []
  for (const path of found) clearTree(path, left, path)
  return left
}

function clearTree(path: string, left: string[], top: string): void {
  for (const name of names(path)) {
    if (path === top && /^\d+\.\d+\.\d+\.\d+$/.test(name)) left.push(join(path, name))
    clearTree(join(path, name), left, top)
  }
  try {
    rmdirSync(path)
  } catch {
    left.push(path)
  }
}

const names = (path: string): string[] =>
  tried(() => readdirSync(path, { withFileTypes: true }), [])
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)

function tried<T>(work: () => T, otherwise: T): T {
  try {
    return work()
  } catch {
    return otherwise
  }
}

export const removeFolder = (folder: string): void =>
  rmSync(folder, { recursive: true, force: true })

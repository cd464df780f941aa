// An exec-node that runs as an ordinary account in a cgroup that is delegated to it, as systemd's `Delegate=yes`
// does: it says so, and limits memory and processes by it. Real daemons; plain Node, as the machine is slow.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { openClient } from '../../dist/src/client/index.js'

const uid = 65_534
const mainOf = (daemon) => fileURLToPath(new URL(`../../dist/${daemon}/main.js`, import.meta.url))
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evergrid-delegated-')))
chownSync(folder, uid, uid)
const url = 'http://127.0.0.1:6456'
const env = {
  PATH: process.env.PATH,
  HOME: folder,
  EVERGRID_DATA: join(folder, 'grid'),
  EVERGRID_URL: url,
}
const asAccount = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
let passed = 0
let began = performance.now()
function held(what) {
  passed += 1
  process.stdout.write(`ok ${what} (${((performance.now() - began) / 1000).toFixed(1)} s)\n`)
  began = performance.now()
}

/** What the operator does once, as root. */
const root = '/sys/fs/cgroup'
const delegated = join(root, 'delegated')
writeFileSync(join(root, 'cgroup.subtree_control'), '+memory +pids +cpu')
mkdirSync(delegated)
for (const name of ['', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'])
  chownSync(join(delegated, name), uid, uid)

const started = []
/** In `cgroup` alone, as the account; resolves when it is ready. */
async function start(cgroup, daemon, ...args) {
  const enter = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
  const command = ['-c', enter, cgroup, ...asAccount, process.execPath, mainOf(daemon), ...args]
  const child = spawn('sh', command, { env, cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  started.push({ child, ended: new Promise((resolve) => child.once('exit', resolve)) })
  for await (const line of createInterface(child.stdout)) if (line.startsWith('ready')) return
  throw new Error(`${daemon} ended before it was ready`)
}

try {
  const data = (name) => ['--data', join(env.EVERGRID_DATA, name)]
  await start(root, 'scheduler', '--port', '6456', ...data('scheduler'))
  const node = ['--scheduler', url, '--name', 'node1', '--slots', '4', '--mem', String(2 ** 30)]
  await start(delegated, 'exec-node', ...node, ...data('node1'))
  // From here on this is the account, and its grid is private.
  process.setgroups([])
  process.setgid(uid)
  process.setuid(uid)
  Object.assign(process.env, env)
  const client = openClient({ url, patienceMs: 60_000 })
  const submit = async (name, command, limits) => {
    const body = { name, command, cwd: folder, ...limits }
    return (await client.call('submitJob', { body })).job
  }
  const eater = 'const a = []; for (;;) a.push(Buffer.alloc(4194304, 1))'
  const storm = 'cat /proc/self/cgroup; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 9 & done 2>&1'
  const big = await submit('big', [process.execPath, '-e', eater], { memBytes: 64 << 20 })
  const many = await submit('many', ['/bin/sh', '-c', storm], { pids: 8 })
  const { nodes } = await client.call('listNodes')
  assert.equal(nodes[0].enforcement, 'cgroup2')
  held('an agent of an ordinary account in a delegated cgroup says cgroup2')

  const over = async (job) => {
    for (;;) {
      const found = await client.call('showJob', { params: { job: String(job) } })
      if (found.state === 'finished') return found
      assert.ok(performance.now() < 300_000, `job ${job} does not end`)
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
  }
  const [eaten] = [await over(big), await over(many)]
  client.close()
  const { cause } = eaten.tasks[0].runs[0]
  assert.equal(cause.kind, 'out-of-memory', JSON.stringify(eaten.tasks))
  assert.equal(cause.limitBytes, 64 << 20)
  held('memory is limited by it')

  const text = readFileSync(join(folder, `many.o${many}`), 'utf8')
  assert.match(text, /fork/i)
  assert.match(text, /^0::\/delegated\/evergrid-node1-\w+\/\d/m)
  held('processes are limited by it')
  process.stdout.write(`delegated: ${passed} passed, 0 failed\n`)
} catch (error) {
  process.stdout.write(`FAILED ${error.stack}\ndelegated: ${passed} passed, 1 failed\n`)
  process.exitCode = 1
} finally {
  for (const { child, ended } of started.reverse()) {
    child.kill('SIGTERM')
    await ended
  }
}

// A whole grid under cgroup version 2, from the built commands: started, limited, adopted, ended, nothing left.
// Plain Node, so that it also starts quickly on the emulated processors of the small machine.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const enforcement = process.argv[2] ?? 'cgroup2'
const egPath = fileURLToPath(new URL('../../dist/bin/eg', import.meta.url))
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evergrid-smoke-')))
const data = join(folder, 'grid')
const env = { ...process.env, EVERGRID_DATA: data }
const run = promisify(execFile)
const eg = async (...args) => (await run(egPath, args, { env, cwd: folder })).stdout
const json = async (...args) => JSON.parse(await eg(...args, '--json'))

async function until(what, condition, seconds = 120) {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > end) throw new Error(`${what} did not happen within ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

const lastRun = (job) => job.tasks[0]?.runs?.at(-1)
let passed = 0
let began = performance.now()
function held(what) {
  passed += 1
  process.stdout.write(`ok ${what} (${((performance.now() - began) / 1000).toFixed(1)} s)\n`)
  began = performance.now()
}

const up = spawn(
  egPath,
  ['up', '--data', data, '--port', '0', '--nodes', '1', '--slots', '4', '--allow-root-jobs'],
  { env, stdio: ['ignore', 'pipe', 'inherit'] },
)
const ended = new Promise((resolve) => up.once('exit', resolve))
try {
  for await (const line of createInterface(up.stdout)) {
    env.EVERGRID_URL = /^ready (\S+)/.exec(line)?.[1]
    if (env.EVERGRID_URL) break
  }
  assert.ok(env.EVERGRID_URL, 'eg up ended before it was ready')
  held('eg up is ready')

  const [node] = await json('nodes')
  assert.equal(node.enforcement, enforcement)
  held(`the node says ${enforcement}`)

  const said = (
    await eg('submit', '--quiet', '--name', 'hello', '--', 'sh', '-c', 'echo $JOB_ID')
  ).trim()
  await eg('wait', said)
  assert.equal(readFileSync(join(folder, `hello.o${said}`), 'utf8').trim(), said)
  held('a task runs and its output is in its file')

  const eater = ['node', '-e', 'const a = []; for (;;) a.push(Buffer.alloc(4194304, 1))']
  const big = (
    await eg('submit', '--quiet', '--name', 'big', '--mem', '128M', '--', ...eater)
  ).trim()
  const gone = await until('the end of the eater', async () => {
    const job = await json('show', big)
    return job.state === 'finished' && job
  })
  assert.equal(gone.outcome, 'failed', JSON.stringify(gone.tasks))
  assert.equal(lastRun(gone).cause?.kind, 'out-of-memory', JSON.stringify(gone.tasks))
  held('a task over its memory ends, and the cause says so')

  const loop = 'trap "exit 0" TERM; while :; do sleep 1; done'
  const bot = (
    await eg('submit', '--quiet', '--continuous', '--name', 'bot', '--', 'bash', '-c', loop)
  ).trim()
  const running = await until('the bot', async () => {
    const job = await json('show', bot)
    return job.state === 'running' && lastRun(job)?.pid && job
  })
  const agent = Number(readFileSync(join(data, 'node1', 'exec-node.pid'), 'utf8'))
  process.kill(agent, 'SIGKILL')
  await until('another agent', () => {
    const now = Number(readFileSync(join(data, 'node1', 'exec-node.pid'), 'utf8'))
    return now !== agent && now > 0
  })
  const after = await until('the bot after the agent', async () => {
    const job = await json('show', bot)
    return job.state === 'running' && job
  })
  assert.equal(lastRun(after).pid, lastRun(running).pid)
  assert.equal(lastRun(after).number, lastRun(running).number)
  held('the agent is killed and takes over what runs')

  await eg('down', '--data', data, '--stop-jobs')
  assert.equal(await ended, 0)
  assert.throws(() => process.kill(lastRun(running).pid, 0), { code: 'ESRCH' })
  const place = createHash('sha256').update(join(data, 'node1')).digest('hex').slice(0, 8)
  const left = readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' })
  assert.deepEqual(
    left.filter(
      (path) => path.includes(`evergrid-node1-${place}/`) && /\d+\.\d+\.\d+\.\d+$/.test(path),
    ),
    [],
  )
  held('everything ends, and no run has a cgroup any more')
  process.stdout.write(`smoke: ${passed} passed, 0 failed\n`)
} catch (error) {
  process.stdout.write(`FAILED ${error.stack}\nsmoke: ${passed} passed, 1 failed\n`)
  process.exitCode = 1
} finally {
  if (up.exitCode === null) {
    await eg('down', '--data', data, '--stop-jobs').catch(() => up.kill('SIGTERM'))
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
}

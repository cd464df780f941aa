// `npm run demo`: a whole grid in a temporary folder tells its story in about a minute. Each step shows what a
// person sees with `eg`, and checks it; exit status 0 only if all held and nothing is left behind.
import { execFile, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const egPath = fileURLToPath(new URL('../dist/bin/eg', import.meta.url))
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evergrid-demo-')))
const data = join(folder, 'grid')
const work = join(folder, 'work')
const pidsSeen = new Set()
let url = ''
let failed = 0

const environment = () => ({ ...process.env, EVERGRID_URL: url, EVERGRID_DATA: data })
const eg = async (...args) =>
  (await run(egPath, args, { env: environment(), cwd: work, maxBuffer: 2 ** 26 })).stdout
const json = async (...args) => JSON.parse(await eg(...args, '--json'))

/** Runs `eg` as a person would and prints both. */
async function show(...args) {
  process.stdout.write(
    `\n  $ eg ${args.map((word) => (/[^\w./:=@-]/.test(word) ? `'${word}'` : word)).join(' ')}\n`,
  )
  const text = await eg(...args)
  process.stdout.write(text.replaceAll(/^/gm, '  ').replace(/ +$/, ''))
  return text
}

function step(title) {
  const [bold, plain] = process.stdout.isTTY ? ['\x1b[1m', '\x1b[0m'] : ['', '']
  process.stdout.write(`\n${bold}${title}${plain}\n`)
}

function check(holds, what) {
  process.stdout.write(`  ${holds ? 'ok    ' : 'FAILED'} ${what}\n`)
  if (!holds) failed += 1
}

async function until(what, condition, seconds = 60) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > end) throw new Error(`${what} did not happen within ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The bot's present run, while it runs. */
async function running(name) {
  const job = await json('show', name)
  const run = job.tasks[0].runs.at(-1)
  if (job.state !== 'running' || !run || run.endedAt !== null || run.pid === null) return null
  pidsSeen.add(run.pid)
  return { ...run, node: job.node }
}

async function startGrid() {
  const args = ['up', '--data', data, '--port', '0', '--slots', '4', '--nodes', '2']
  // Only for this demo: a grid that root runs takes jobs of root when told so.
  if (process.getuid() === 0) args.push('--allow-root-jobs')
  const grid = spawn(egPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, EVERGRID_DATA: data },
  })
  const lines = createInterface({ input: grid.stdout })
  for await (const line of lines) {
    if (line.startsWith('ready ')) {
      url = line.slice('ready '.length)
      break
    }
  }
  lines.close()
  grid.stdout.resume()
  if (url === '') throw new Error('the grid did not start')
  process.stdout.write(`  $ eg ${args.join(' ')}\n  ready ${url}\n`)
  return grid
}

async function botComesBack() {
  step('A continuous bot that crashes comes back by itself')
  writeFileSync(
    join(work, 'bot.sh'),
    'echo "bot starts, run $EVERGRID_RUN"\nif [ ! -e crashed ]; then touch crashed; sleep 1; echo "oh no" >&2; exit 7; fi\nwhile :; do date +%s; sleep 1; done\n',
  )
  await show('submit', '--continuous', '--name', 'wikibot', '--', 'sh', 'bot.sh')
  const second = await until('the second run', async () => {
    const now = await running('wikibot')
    return now && now.number >= 2 ? now : null
  })
  await show('show', 'wikibot')
  const job = await json('show', 'wikibot')
  check(job.tasks[0].runs[0].exitCode === 7, 'run 1 ended with exit 7, and that is on record')
  check(
    second.number === 2 && isAlive(second.pid),
    `run 2 runs on ${second.node} (pid ${second.pid})`,
  )
  await show('logs', '--tail', '3', 'wikibot')
}

async function arrayCompletes() {
  step('An array of 20 tasks completes')
  await show(
    'submit',
    '--name',
    'squares',
    '--array',
    '1-20',
    '--out',
    'squares.txt',
    '--',
    'sh',
    '-c',
    'echo $((TASK_ID * TASK_ID))',
  )
  await show('wait', 'squares')
  const job = await json('show', 'squares')
  const lines = readFileSync(join(work, 'squares.txt'), 'utf8').trim().split('\n').map(Number)
  check(job.counts.succeeded === 20, '20 tasks succeeded')
  check(
    lines.sort((a, b) => a - b).join() ===
      Array.from({ length: 20 }, (_, at) => (at + 1) ** 2).join(),
    'each index ran exactly once',
  )
}

async function drainMoves() {
  step('A node is drained: its bot moves to the other one')
  const before = await until('the bot to run', () => running('wikibot'))
  await show('node', 'drain', before.node, '--reason', 'new disk', '--watch')
  const after = await until('the bot to run again', async () => {
    const now = await running('wikibot')
    return now && now.node !== before.node ? now : null
  })
  await show('nodes')
  const nodes = await json('nodes')
  check(
    nodes.find(({ name }) => name === before.node).drain.state === 'drained',
    `${before.node} is drained`,
  )
  check(
    !isAlive(before.pid) && isAlive(after.pid),
    `the bot left ${before.node} before it started on ${after.node}`,
  )
  await show('node', 'undrain', before.node)
}

async function agentDies() {
  step('The agent is killed with -9: the bot does not notice, and is adopted')
  const before = await until('the bot to run', () => running('wikibot'))
  const pidFile = join(data, before.node, 'exec-node.pid')
  const agent = Number(readFileSync(pidFile, 'utf8'))
  process.stdout.write(`  $ kill -9 ${agent}\n`)
  process.kill(agent, 'SIGKILL')
  await until(
    'a new agent',
    () => existsSync(pidFile) && Number(readFileSync(pidFile, 'utf8')) !== agent,
  )
  await until('the node to report', async () =>
    (await json('nodes')).every(({ state }) => state === 'up'),
  )
  const after = await until('the bot to be known', () => running('wikibot'))
  check(
    after.pid === before.pid && after.number === before.number,
    `still run ${after.number}, still pid ${after.pid}`,
  )
  await show('restart', 'wikibot')
  const restarted = await until('the next run', async () => {
    const now = await running('wikibot')
    return now && now.number > after.number ? now : null
  })
  check(
    !isAlive(after.pid),
    `the new agent stopped run ${after.number} and started run ${restarted.number}`,
  )
}

async function cronFires() {
  step('The cron task has fired, and its ledger says so')
  const fired = await until(
    'a firing',
    async () => {
      const { ledger } = await json('schedule', 'show', 'minutely')
      return ledger.find(({ outcome, jobId }) => outcome === 'ran' && jobId !== null)
    },
    90,
  )
  await until('its job', async () => (await json('show', String(fired.jobId))).state === 'finished')
  await show('schedule', 'show', 'minutely')
  check(
    readFileSync(join(work, 'minutely.log'), 'utf8').includes('tick'),
    `due ${fired.dueAt}, ran as job ${fired.jobId}`,
  )
}

/** Cgroups of this demo's nodes: their names end in a mark of the node's data folder. */
function cgroupsLeft() {
  const marks = ['node1', 'node2'].map((name) =>
    createHash('sha256').update(join(data, name)).digest('hex').slice(0, 8),
  )
  const found = spawnSync(
    'find',
    ['/sys/fs/cgroup', '-maxdepth', '6', '-type', 'd', '-name', 'evergrid-*'],
    { encoding: 'utf8' },
  )
  return found.stdout.split('\n').filter((path) => marks.some((mark) => path.endsWith(mark)))
}

async function main() {
  mkdirSync(work, { recursive: true })
  step('A whole grid on this machine: a scheduler and two exec-nodes')
  const grid = await startGrid()
  const ended = new Promise((resolve) => grid.once('exit', resolve))
  try {
    await show('nodes')
    await show(
      'schedule',
      'add',
      'minutely',
      '* * * * *',
      '--out',
      'minutely.log',
      '--',
      'echo',
      'tick',
    )
    await botComesBack()
    await arrayCompletes()
    await drainMoves()
    await agentDies()
    await cronFires()
    await show('history')
  } catch (error) {
    check(false, error.stderr ? `${error.message}\n${error.stderr}` : error.message)
  }
  step('Everything is ended, and nothing is left behind')
  await show('down', '--stop-jobs', '--data', data).catch((error) => check(false, error.message))
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20_000))])
  check(grid.exitCode === 0, 'the grid has ended')
  await until(
    'the last process to end',
    () => [...pidsSeen].every((pid) => !isAlive(pid)),
    10,
  ).catch(() => {})
  check(
    [...pidsSeen].every((pid) => !isAlive(pid)),
    'no process of a job is left',
  )
  const left = cgroupsLeft()
  check(left.length === 0, `no cgroup is left${left.length > 0 ? `: ${left.join(' ')}` : ''}`)
  if (failed > 0) process.stdout.write(`\nThe grid's folder is kept for a look: ${folder}\n`)
  else rmSync(folder, { recursive: true, force: true })
  process.stdout.write(failed === 0 ? '\nAll held.\n' : `\n${failed} checks failed.\n`)
}

await main()
process.exit(failed === 0 ? 0 : 1)

/** What Tool Labs' people type, on a real grid: jobs files, crontabs, jsub and its kin. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { egPath, type Ended, TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
beforeAll(async () => {
  grid = await TestGrid.start({ slots: 16 })
})
afterAll(() => grid.end())

const home = (...args: string[]) => grid.egAs({ HOME: grid.work }, ...args)
/** A command by its own name, in the home, with what it reads from its standard input. */
async function called(input: string, name: string, ...args: string[]): Promise<Ended> {
  const command = spawn(join(dirname(egPath), name), args, {
    cwd: grid.work,
    env: { ...grid.env, HOME: grid.work },
  })
  command.stdin.end(input)
  const ended = new Promise<number>((resolve) =>
    command.once('close', (code) => resolve(code ?? -1)),
  )
  const [stdout, stderr] = await Promise.all([text(command.stdout), text(command.stderr)])
  return { status: await ended, stdout, stderr }
}
const file = (text: string): string => {
  const path = join(grid.work, 'jobs.yaml')
  writeFileSync(path, text)
  return path
}

describe('eg apply and eg dump', () => {
  const first = `
- name: bot
  image: python3.11
  command: echo started >> runs.log; echo hello; exec sleep 600
  continuous: true
- name: nightly
  command: ./nightly.sh
  schedule: "@daily"
  mem: 64Mi
- name: migrate
  command: echo migrated > migrated.log
  wait: 60
`

  it('make what the file says, and nothing a second time', async () => {
    const path = file(first)
    const shown = await home('apply', '--dry-run', path)
    expect(shown.stdout).toBe(
      'bot: would be created\nnightly: would be created\nmigrate: would be started\n',
    )
    expect(await grid.json('jobs')).toEqual([])

    const applied = await home('apply', path)
    expect(applied).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /^bot: created \(job \d+\)\nnightly: created\nmigrate: started \(job \d+\), succeeded\n$/,
      ) as string,
      stderr: 'eg: image: images are not used: jobs run with the programs that the nodes have\n',
    })
    expect(grid.text('migrated.log')).toBe('migrated\n')
    const bot = await grid.show('bot')
    await grid.running(bot.id)
    expect(bot.spec).toMatchObject({ kind: 'continuous', cwd: grid.work, out: 'bot.out' })

    const again = await home('apply', path.replace('jobs.yaml', './jobs.yaml'))
    expect(again.stdout).toMatch(/^bot: already up to date\nnightly: already up to date\n/)
    const dumped = await home('dump')
    expect(dumped.stdout).toBe(
      first
        .trimStart()
        .replace(/ {2}image.*\n/, '')
        .replace(/- name: migrate[^]*/, ''),
    )
  })

  it('change what differs, restart where a run must begin anew, and prune on request', async () => {
    const bot = await grid.show('bot')
    const before = await grid.running(bot.id)
    await grid.ok('submit', '--continuous', '--name', 'stranger', '--', 'sleep', '600')
    const path = file(
      first
        .replace('sleep 600', 'sleep 601')
        .replace('64Mi', '128Mi')
        .replace('@daily', '0 3 * * *'),
    )
    expect((await home('apply', '--dry-run', path)).stdout).toContain(
      'nightly: would be updated\n  schedule: @daily -> 0 3 * * *\n  mem: 64Mi -> 128Mi\n',
    )
    const applied = await home('apply', path)
    expect(applied.stdout).toMatch(/^bot: updated, restarted\nnightly: updated\nmigrate: started/)
    const after = await grid.running(bot.id, before.number)
    expect(after.pid).not.toBe(before.pid)
    expect((await grid.show('stranger')).state).not.toBe('finished')

    await home('schedule', 'add', 'stray', '0 0 1 1 *', '--', 'true')
    const pruned = await home('apply', '--prune', path)
    expect(pruned.stdout).toMatch(/stranger: stopped, not in the file\n/)
    expect(pruned.stdout).toMatch(/stray: removed, not in the file\n/)
    expect((await grid.json<{ name: string }[]>('schedules')).map(({ name }) => name)).toEqual([
      'nightly',
    ])
  })

  it('what a running job cannot be given is had by another one, and a kind may change', async () => {
    const { id } = await grid.show('bot')
    const impossible = await home(
      'apply',
      file('- { name: bot, command: sleep 600, continuous: true, slots: 9999 }'),
    )
    expect(impossible).toMatchObject({ status: 1, stdout: '' })
    expect(impossible.stderr).toMatch(/^eg: bot: .*9999 slots/)
    expect((await grid.show('bot')).wanted.what).toBe('run')
    const bigger = `- { name: bot, command: sleep 600, continuous: true, slots: 2 }\n`
    const replaced = await home('apply', file(bigger))
    expect(replaced).toMatchObject({
      stdout: expect.stringMatching(/^bot: updated \(replaced by job \d+\)\n$/) as string,
    })
    const bot = await grid.show('bot')
    expect(bot.id).toBeGreaterThan(id)
    expect(await grid.finished(id)).toMatchObject({ outcome: 'cancelled' })

    const turned = await home(
      'apply',
      file('- { name: bot, command: "true", schedule: "0 3 1 1 *" }'),
    )
    expect(turned.stdout).toBe('bot: stopped, of another kind now\nbot: created\n')
    expect((await grid.finished(bot.id)).outcome).toBe('cancelled')
    const back = await home('apply', file(bigger))
    expect(back.stdout).toMatch(
      /^bot: removed, of another kind now\nbot: created \(job \d+\)(?:: the last \d+ runs of bot peaked at .*)?\n$/,
    )
  })

  it('change nothing for a file that is wrong, and go on where one job is refused', async () => {
    const wrong = await home('apply', file('- name: x\n  command: x\n  shedule: "@daily"\n'))
    expect(wrong).toMatchObject({ status: 2, stdout: '' })
    expect(wrong.stderr).toContain(
      'line 3: job x: there is no key "shedule"; did you mean "schedule"?',
    )
    expect((await home('apply', join(grid.work, 'none.yaml'))).stderr).toContain('ENOENT')
    const half = await home(
      'apply',
      file(
        '- { name: bad, command: x, schedule: "61 * * * *" }\n- { name: good, command: x, schedule: "@daily" }',
      ),
    )
    expect(half).toMatchObject({ status: 1, stdout: 'good: created\n' })
    expect(half.stderr).toContain('eg: bad: The expression "61 * * * *" cannot be used')
    expect((await home('dump', 'good')).stdout).toBe(
      '- name: good\n  command: x\n  schedule: "@daily"\n',
    )
    expect((await home('dump', 'none')).status).toBe(5)
    await home('apply', '--prune', file('[]'))
  })
})

describe('crontab', () => {
  // A private grid is known by its data folder, also to the jobs that start others.
  const tab = () => `# the bots
MAILTO=""
EVERGRID_DATA=${grid.data}
GREETING="good morning"

0 3 * * *  jsub -once -quiet -N nightly ./night.sh 'a  b' > /dev/null
0 4 * * *  echo "$GREETING"; command -v jsub   # hello
0 5 * * *  cd sub; jstart -quiet -N starter sleep 600 && job starter
`

  it('is read from standard input, comes back as it was, and its lines are schedules that run', async () => {
    const script = join(grid.work, 'night.sh')
    writeFileSync(script, '#!/bin/sh\n#$ -mem 64m\necho "night <$1>"\n')
    chmodSync(script, 0o755)
    expect(await called(tab(), 'crontab', '-')).toEqual({ status: 0, stdout: '', stderr: '' })
    expect((await called('', 'crontab', '-l')).stdout).toBe(tab())
    const run = async (name: string) => {
      const ran = await home('schedule', 'run', name)
      return grid.finished(Number(/^job (\d+)/.exec(ran.stdout)?.[1]))
    }
    expect(await run('nightly')).toMatchObject({
      outcome: 'succeeded',
      name: 'nightly',
      memBytes: 64 * 2 ** 20,
    })
    expect(grid.text('nightly.out')).toBe('night <a  b>\n')
    expect(await run('cron-echo')).toMatchObject({ outcome: 'succeeded' })
    mkdirSync(join(grid.work, 'sub'))
    // A job that starts another one: it is known by its account, like everybody.
    expect(await run('cron-starter')).toMatchObject({ outcome: 'failed', cause: { kind: 'exit' } })
    const { id } = await grid.show('starter')
    expect(grid.text('cron-starter.out')).toBe(`${id}\n`)
    expect(grid.text('cron-echo.out')).toBe(`good morning\n${join(dirname(egPath), 'jsub')}\n`)
  })

  it('is left alone by eg apply and eg dump, and removed with its schedules', async () => {
    expect((await home('dump')).stdout).not.toContain('nightly.sh')
    expect((await home('apply', '--prune', file('[]'))).status).toBe(0)
    expect((await home('schedule', 'remove', 'cron-echo')).stderr).toContain('crontab -e')
    const wrong = await called('0 3 * * * true\n61 * * * * true\n', 'crontab')
    expect(wrong).toMatchObject({ status: 1, stdout: '' })
    expect(wrong.stderr).toMatch(/^"-":2: The expression "61 \* \* \* \*" cannot be used/)
    expect((await called('', 'crontab', '-l')).stdout).toBe(tab())
    expect((await called('', 'crontab', '-r')).status).toBe(0)
    expect(await grid.json('schedules')).toEqual([])
    expect((await called('', 'crontab', '-l')).stderr).toMatch(/^no crontab for \S+\n$/)
  })
})

describe('jsub and its kin', () => {
  const executable = (name: string, lines: string): string => {
    const path = join(grid.work, name)
    writeFileSync(path, `#!/bin/sh\n${lines}\n`)
    chmodSync(path, 0o755)
    return path
  }

  it('jstart, job and jstop hold a bot by its name, and no sleep is needed between them', async () => {
    const bot = executable('bot.sh', 'echo "started <$1>"; sleep 600')
    const started = await called('', 'jstart', '-N', 'ircbot', '-mem', '64m', bot, 'a  b')
    const id = Number(
      /^Your job (\d+) \("ircbot"\) has been submitted\n$/.exec(started.stdout)?.[1],
    )
    expect(started).toMatchObject({ status: 0, stderr: '' })
    await grid.running(id)
    expect(await called('', 'job', 'ircbot')).toMatchObject({ status: 1, stdout: `${id}\n` })
    expect((await called('', 'job', '-v', 'ircbot')).stdout).toMatch(
      /^Job 'ircbot' has been running since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d as id \d+\n$/,
    )
    const again = await called('', 'jstart', '-N', 'ircbot', bot)
    expect(again).toMatchObject({ status: 1, stdout: '' })
    expect(again.stderr).toMatch(/^\[\w+ \w+ .*\] there is a job named 'ircbot' already active\n$/)
    expect(grid.text('ircbot.err')).toBe(again.stderr)

    const stopped = await called('', 'jstop', 'ircbot')
    expect(stopped.status).toBe(0)
    expect(stopped.stdout).toMatch(
      new RegExp(`^\\S+ has registered the job ${id} for deletion\\n$`),
    )
    expect((await grid.show(id)).state).toBe('finished')
    const next = await called('', 'jstart', '-N', 'ircbot', bot, 'c')
    expect(next.status).toBe(0)
    await grid.running(Number(/\d+/.exec(next.stdout)?.[0]))
    await until(() => grid.text('ircbot.out').endsWith('started <c>\n'))
    expect(grid.text('ircbot.out')).toBe('started <a  b>\nstarted <c>\n')

    // Also where the stop is only under way: the next one waits for its end.
    await grid.ok('stop', 'ircbot')
    const third = await called('', 'jstart', '-N', 'ircbot', 'true')
    expect(third.status).toBe(0)
    expect(await grid.finished(Number(/\d+/.exec(third.stdout)?.[0]))).toMatchObject({
      outcome: 'succeeded',
    })
    expect(await called('', 'job', '-q', 'ircbot')).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(await called('', 'jstop', 'ircbot')).toEqual({
      status: 1,
      stdout: '',
      stderr: "No job 'ircbot' is currently queued or running\n",
    })
  })

  it('jsub ends as its job did, qcronsub wants it once, and a start that failed blocks nothing', async () => {
    const seven = executable('seven.sh', '#$ -N lucky\necho "$# $JOB_NAME"; exit 7')
    const ran = await called('', 'jsub', '-sync', 'y', seven, 'x  y', '*')
    expect(ran).toMatchObject({ status: 7 })
    expect(ran.stderr).toMatch(/^Job \d+ exited with exit code 7\.\n$/)
    expect(grid.text('lucky.out')).toBe('2 lucky\n')

    expect((await called('', 'qcronsub', '-quiet', '-N', 'sync', 'sleep', '600')).status).toBe(0)
    expect((await called('', 'qcronsub', '-quiet', '-N', 'sync', 'true')).stderr).toContain(
      "there is a job named 'sync' already active",
    )
    const failing = ['-once', '-sync', 'y', '-N', 'lost', '-wd', '/no/such/folder', 'true']
    const first = await called('', 'jsub', ...failing)
    expect(first).toMatchObject({ status: 1 })
    expect(first.stderr).toMatch(/^(Unable to run job|Job) \d+/)
    expect((await called('', 'jsub', ...failing)).stdout).toMatch(/has been submitted/)
    expect(await called('', 'jlocal', 'sh', '-c', 'echo here; exit 3')).toEqual({
      status: 3,
      stdout: 'here\n',
      stderr: '',
    })
  })
})

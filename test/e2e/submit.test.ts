/** One-off tasks as their owners meet them: `eg submit` and every way in which a task can begin and end. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { isRoot, nobody, spawnAs } from '../support/as-user.ts'
import { egPath, TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
beforeAll(async () => {
  grid = await TestGrid.start({ slots: 8 })
})
afterAll(() => grid.end())

/** A folder that the account may not search would make a missing command a forbidden one, as in any shell. */
const plainPath = 'PATH=/usr/bin:/bin'
const submitAndWait = (...args: string[]) => grid.eg('submit', '--wait', ...args)

describe('exit statuses', () => {
  it.each([
    ['succeeds', 0, ['true']],
    ['its own', 7, ['sh', '-c', 'exit 7']],
    ['128 and the signal', 139, ['sh', '-c', 'kill -SEGV $$']],
    ['127: no such command', 127, ['no-such-command', 'x']],
    ['126: no command', 126, ['/etc']],
  ])('of --wait are those of the job: %s', async (_, status, command) => {
    const ended = await submitAndWait('--env', plainPath, '--', ...command)
    expect(ended).toMatchObject({
      status,
      stdout: expect.stringMatching(/^job \d+ submitted\n$/) as string,
    })
  })

  it('of the client itself are 125 with --wait and eg wait', async () => {
    const [noJob, wrongOption, tooLong] = await Promise.all([
      grid.eg('wait', '99999'),
      grid.eg('submit', '--wait', '--no-such-option', '--', 'true'),
      grid.egAs({}, 'wait', '--timeout', '1s', String(await grid.submit('--hold', '--', 'true'))),
    ])
    expect([noJob.status, wrongOption.status, tooLong.status]).toEqual([125, 125, 125])
    expect(tooLong.stderr).toContain('not finished within 1s')
  })

  it('say what kind of failure it was: 1 refused, 2 usage, 3 no scheduler, 5 no such thing', async () => {
    const nowhere = { EVERGRID_URL: 'http://127.0.0.1:1', EVERGRID_PATIENCE: '100ms' }
    const all = await Promise.all([
      grid.eg('submit', '--slots', '1000', '--', 'true'),
      grid.eg('submit', '--queue', 'nope', '--', 'true'),
      grid.eg('submit', '--where', 'gpu=yes', '--', 'true'),
      grid.eg('submit'),
      grid.eg('submit', '--mem', 'lots', '--', 'true'),
      grid.eg('sumbit'),
      grid.egAs(nowhere, 'jobs'),
      grid.eg('show', '99999'),
      grid.eg('stop', 'nobody'),
    ])
    expect(all.map(({ status }) => status)).toEqual([1, 1, 1, 2, 2, 2, 3, 5, 5])
    expect(all[0]?.stderr).toContain('ask for 8 slots instead of 1000')
    expect(all[1]?.stderr).toContain('queues here:')
    expect(all[2]?.stderr).toContain('without gpu=yes')
    expect(all[5]?.stderr).toContain('did you mean "eg submit"')
    for (const { stdout } of all) expect(stdout).toBe('')
  })

  it.runIf(isRoot)('4: not allowed, to another account', async () => {
    const job = await grid.submit('--hold', '--', 'true')
    const env = { EVERGRID_URL: grid.url, EVERGRID_DATA: grid.data }
    const other = spawnAs(nobody.uid, [egPath, 'stop', String(job)], env)
    const status = await new Promise((resolve) => {
      other.once('exit', resolve)
    })
    expect(status).toBe(4)
  })
})

describe('output', () => {
  it('goes to NAME.oID and NAME.eID of the owner, in the working directory, and is appended', async () => {
    const job = await grid.submit('--name', 'out', '--', 'sh', '-c', 'echo to-out; echo to-err >&2')
    await grid.finished(job)
    expect(grid.text(`out.o${job}`)).toBe('to-out\n')
    expect(grid.text(`out.e${job}`)).toBe('to-err\n')
    expect(statSync(join(grid.work, `out.o${job}`)).uid).toBe(process.getuid?.())
    writeFileSync(join(grid.work, 'log.txt'), 'before\n')
    const both = ['--out', 'log.txt', '--err', '$JOB_NAME.$JOB_ID.err', '--name', 'named']
    const { stdout } = await submitAndWait(
      ...both,
      '--quiet',
      '--',
      'sh',
      '-c',
      'echo x; echo y >&2',
    )
    expect(grid.text('log.txt')).toBe('before\nx\n')
    expect(grid.text(`named.${stdout.trim()}.err`)).toBe('y\n')
  })

  it('of both streams may go to one file', async () => {
    await submitAndWait(
      '--out',
      'one',
      '--err',
      'one',
      '--',
      'sh',
      '-c',
      'echo 1; echo 2 >&2; echo 3',
    )
    expect(grid.text('one')).toBe('1\n2\n3\n')
  })
})

describe('what a task finds', () => {
  it('is its environment, a TMPDIR of its own that is removed afterwards, and --stdin', async () => {
    writeFileSync(join(grid.work, 'in.txt'), 'from a file\n')
    const script = 'env -0 > env.out; ls -ldn "$TMPDIR" > tmp.out; touch "$TMPDIR/x"; pwd -P; cat'
    const args = ['--name', 'finds', '--slots', '2', '--stdin', 'in.txt', '--env', 'MINE=1']
    const job = await grid.submit(...args, '--', 'sh', '-c', script)
    const detail = await grid.finished(job)
    expect(detail.outcome).toBe('succeeded')
    const env = new Map(
      grid
        .text('env.out')
        .split('\0')
        .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    )
    const wanted = {
      JOB_ID: String(job),
      JOB_NAME: 'finds',
      NSLOTS: '2',
      TASK_ID: 'undefined',
      MINE: '1',
    }
    for (const [name, value] of Object.entries(wanted)) expect(env.get(name)).toBe(value)
    for (const name of ['PATH', 'HOME', 'USER']) expect(env.get(name)).toBeTruthy()
    expect(env.has('EVERGRID_DATA')).toBe(false)
    expect(grid.text('tmp.out')).toMatch(new RegExp(`^drwx------.* ${process.getuid?.()} `))
    const tmp = env.get('TMPDIR') ?? ''
    await until(() => !existsSync(tmp), { what: 'the removal of TMPDIR' })
    expect(grid.text(`finds.o${job}`)).toBe(`${grid.work}\nfrom a file\n`)
  })

  it('are its arguments and variables byte for byte', async () => {
    const odd = [
      '',
      ' ',
      '-x',
      '$(id)',
      '`id`',
      "'",
      '"',
      '\\',
      'a\nb',
      '*',
      'é€𝄞',
      '\u0001\u007f',
      '--',
    ]
    const values = ['', 'a\nb', '$HOME', 'é€𝄞', ' = ', '\'"\\']
    const script =
      'process.stdout.write(JSON.stringify([process.argv.slice(1), ["A0","A1","A2","A3","A4","A5"].map((n) => process.env[n])]))'
    const env = values.flatMap((value, at) => ['--env', `A${at}=${value}`])
    const ended = await submitAndWait(
      '--out',
      'odd.txt',
      ...env,
      '--',
      'node',
      '-e',
      script,
      '--',
      ...odd,
    )
    expect(ended.status).toBe(0)
    expect(JSON.parse(grid.text('odd.txt'))).toEqual([odd, values])
  })
})

describe('limits', () => {
  it('--mem ends what takes more, and says who, how much and what the limit was', async () => {
    const script = 'x = bytearray(400 * 1024 * 1024); import time; time.sleep(60)'
    const ended = await submitAndWait('--quiet', '--mem', '64M', '--', 'python3', '-c', script)
    expect(ended.status).toBe(137)
    const { cause, tasks } = await grid.show(ended.stdout.trim())
    expect(cause).toMatchObject({ kind: 'out-of-memory', limitBytes: 64 * 2 ** 20 })
    const { enforcement } = await grid.node('node1')
    if (enforcement !== 'rlimit') {
      expect(cause).toMatchObject({ victim: expect.stringContaining('python3') as string })
      expect(cause?.kind === 'out-of-memory' && cause.peakBytes).toBeGreaterThan(60 * 2 ** 20)
    }
    const run = tasks[0] && 'runs' in tasks[0] ? tasks[0].runs?.[0] : undefined
    expect(run?.usage?.peakMemBytes).toBeGreaterThan(10 * 2 ** 20)
    expect(ended.stderr).toContain('its limit of 64M')
  })

  it('--time warns, asks, and kills after the grace', async () => {
    const script = 'trap "echo warned" USR2; trap "echo asked" TERM; while :; do sleep 0.05; done'
    const limits = ['--time', '2s', '--warn-before', '1s', '--grace', '500ms']
    const ended = await submitAndWait(
      '--out',
      'time.txt',
      '--quiet',
      ...limits,
      '--',
      'sh',
      '-c',
      script,
    )
    expect(ended.status).toBe(143)
    expect(grid.text('time.txt')).toBe('warned\nasked\n')
    const { cause, tasks } = await grid.show(ended.stdout.trim())
    expect(cause).toEqual({ kind: 'time-limit', limitMs: 2000 })
    const run = tasks[0] && 'runs' in tasks[0] ? tasks[0].runs?.[0] : undefined
    const lasted = Date.parse(run?.endedAt ?? '') - Date.parse(run?.startedAt ?? '')
    expect(lasted).toBeGreaterThanOrEqual(2400)
  })

  it('--cpu is a hard limit where cgroups can hold it', async () => {
    const script =
      'end=$(($(date +%s%N) + 1000000000)); while [ $(date +%s%N) -lt $end ]; do :; done'
    const job = await grid.submit('--cpu', '0.2', '--', 'bash', '-c', script)
    const { tasks, outcome } = await grid.finished(job)
    expect(outcome).toBe('succeeded')
    const run = tasks[0] && 'runs' in tasks[0] ? tasks[0].runs?.[0] : undefined
    const { enforcement } = await grid.node('node1')
    if (enforcement !== 'rlimit') expect(run?.usage?.cpuMs).toBeLessThan(500)
  })

  it('what could not start says which call, on what, and why', async () => {
    const [command, folder] = await Promise.all([
      submitAndWait('--env', plainPath, '--', 'no-such-command'),
      submitAndWait('--cwd', join(grid.folder, 'nowhere'), '--', 'true'),
    ])
    expect(command.stderr).toContain(
      'could not start: execve no-such-command: no such file or directory (ENOENT)',
    )
    expect(folder.stderr).toContain(`chdir ${join(grid.folder, 'nowhere')}: no such file`)
    expect(folder.status).toBe(126)
    const told = ['submitted', 'placed', 'run-ended', 'task-finished', 'finished']
    for (const { stdout } of [command, folder]) {
      const { startedAt, timeline } = await grid.show(/^job (\d+)/.exec(stdout)?.[1] ?? '')
      expect(startedAt).toBeNull()
      expect(timeline.map(({ what }) => what)).toEqual(told)
    }
  })
})

/** Files of the data folder, but for the folders of live runs, which only the node's account may enter. */
function filesWith(text: string): string[] {
  return readdirSync(grid.data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\/runs\//.test(entry.parentPath))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text))
}

describe('secrets', () => {
  it('reach the job, and nobody and nothing else', async () => {
    const [first, second] = ['hunter2-first', 'hunter2-second']
    const file = join(grid.folder, 'token')
    writeFileSync(file, `${first}\n`, { mode: 0o600 })
    const job = await grid.submit(
      ...['--continuous', '--name', 'keeper', '--secret-env', `TOKEN=${file}`, '--out', 'keeper'],
      ...['--', 'sh', '-c', 'echo "$TOKEN"; exec sleep 99'],
    )
    const { number } = await grid.running(job)
    await until(() => existsSync(join(grid.work, 'keeper')) && grid.text('keeper') !== '')
    expect(grid.text('keeper')).toBe(`${first}\n`)
    expect(statSync(join(grid.data, 'node1/runs')).mode & 0o777).toBe(0o700)

    writeFileSync(file, second)
    const edited = await grid.ok('edit', '--secret-env', `TOKEN=${file}`, String(job))
    expect(edited).toBe(`job ${job}: --secret-env changes with its next run\n`)
    await grid.ok('restart', String(job))
    await grid.running(job, number)
    await until(() => grid.text('keeper') === `${first}\n${second}\n`)

    const secret = ['--secret-env', `KEY=${file}`]
    await grid.ok('schedule', 'add', 'nightly', '0 3 * * *', ...secret, '--', 'true')
    await grid.ok('schedule', 'edit', 'nightly', '--slots', '2')
    const backup = join(grid.folder, 'backup.db')
    await grid.ok('backup', backup)
    const told = [
      await grid.ok('show', '--json', String(job)),
      await grid.ok('schedule', 'show', '--json', 'nightly'),
      await grid.ok('audit', '--json'),
      await grid.ok('history', '--json'),
      readFileSync(backup).toString('latin1'),
    ].join()
    expect(told).not.toContain('hunter2')
    expect(told).toContain('"TOKEN": null')
    expect(told).toContain('"KEY": null')
    expect(filesWith('hunter2')).toEqual([])
    // Of an edit that did not name it, the schedule has kept it.
    const run = JSON.parse(await grid.ok('schedule', 'run', 'nightly', '--json')) as {
      jobId: number
    }
    expect((await grid.finished(run.jobId)).outcome).toBe('succeeded')
    await grid.ok('schedule', 'remove', 'nightly')
    await grid.ok('stop', String(job))
    await grid.finished(job)
  })

  it('are not taken twice, from nowhere, or as bytes that are no text', async () => {
    const bytes = join(grid.folder, 'bytes')
    writeFileSync(bytes, Buffer.from([0xff, 0xfe, 0x41]))
    const said = async (...args: string[]) =>
      (await grid.eg('submit', ...args, '--', 'true')).stderr
    expect(await said('--secret-env', 'A', '--secret-env', 'B')).toContain('only one value')
    expect(await said('--secret-env', 'A=nowhere')).toContain('cannot read')
    expect(await said('--secret-env', `A=${bytes}`)).toContain('not UTF-8')
    writeFileSync(bytes, 'x')
    expect(await said('--secret-env', `A=${bytes}`, '--env', 'A=y')).toContain('both a secret and')
  })
})

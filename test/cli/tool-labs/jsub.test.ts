/** jsub and its kin: flags and where they stand, what they ask of the scheduler, what they print and return. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { fakeApi, ownDataFolder, Refused, type FakeApi } from '../../support/fake-api.ts'
import { program } from '../../support/program.ts'
import { jobDetail, jobSummary } from '../../support/samples.ts'

/** Tool accounts have high numbers, and files that their maintainers may write. */
const umask = (process.getuid?.() ?? 0) > 50_000 ? 0o007 : 0o077

let api: FakeApi
let data: ReturnType<typeof ownDataFolder>
let home: string
let script: string
const run = (name: string, argv: string[], env: Record<string, string> = {}) =>
  program(name, argv, {
    url: api.url,
    cwd: join(home, 'sub'),
    env: { HOME: home, PATH: '/usr/bin:/bin', LANG: 'C', SECRET: 'x', ...env },
  })
const asked = () => api.heard.findLast(({ name }) => name === 'submitJob')?.body
const taken = () => {
  throw new Refused({ code: 'name-taken', detail: 'job 3 has that name' })
}

beforeEach(async () => {
  process.env['TZ'] = 'UTC'
  data = ownDataFolder()
  home = mkdtempSync(join(tmpdir(), 'jsub-home-'))
  mkdirSync(join(home, 'sub'))
  script = join(home, 'bot.tool.sh')
  writeFileSync(script, '#!/bin/sh\necho\n')
  chmodSync(script, 0o755)
  api = await fakeApi({
    submitJob: () => ({ job: 17, name: 'bot', tasks: 1, warnings: [] }),
    showJob: () => jobDetail(),
  })
})
afterEach(async () => {
  await api.close()
  data.remove()
  rmSync(home, { recursive: true })
})

describe('jsub', () => {
  test('submits the program with its words as they are, from the home, with files there', async () => {
    expect(await run('jsub', [script, 'a  b', '*', '-N', 'x'])).toEqual({
      status: 0,
      out: 'Your job 17 ("bot") has been submitted\n',
      err: '',
    })
    expect(asked()).toEqual({
      kind: 'task',
      name: 'bot',
      command: [script, 'a  b', '*', '-N', 'x'],
      cwd: home,
      umask,
      out: `${home}/bot.out`,
      err: `${home}/bot.err`,
      env: expect.objectContaining({
        HOME: home,
        PATH: '/usr/bin:/bin',
        LANG: 'C',
        SGE_O_HOME: home,
      }) as object,
    })
    expect(JSON.stringify(asked())).not.toContain('SECRET')
    expect(statSync(join(home, 'bot.out')).mode & 0o777).toBe(0o666 & ~umask)
  })

  test('every flag', async () => {
    const far = mkdtempSync(join(home, 'far-'))
    const flags = `-N n -once -mem 1g -l h_vmem=256M,h_rt=60 -quiet -umask 007 -o sub -j y -i in -a 202712241830 -p -3 -q task -v A=1,LANG -wd ${far} -b y -hard -now n -m n -M a@b`
    const ran = await run('jsub', [...flags.split(' '), 'true', 'x'])
    expect(ran).toEqual({ status: 0, out: '', err: '' })
    expect(asked()).toMatchObject({
      name: 'n',
      once: true,
      command: ['/usr/bin/true', 'x'],
      memBytes: 2 ** 30,
      timeMs: 60_000,
      umask: 0o007,
      stdin: 'in',
      beginAt: '2027-12-24T18:30:00.000Z',
      priority: -3,
      queue: 'task',
      cwd: far,
      env: { A: '1', LANG: 'C' },
    })
    expect(asked()).toMatchObject({ out: join(far, 'sub'), err: join(far, 'sub') })
    await run('jsub', ['-cwd', '-o', '.', '-l', 'h_vmem=256M', script])
    // Grid Engine counts small letters in 1000.
    await run('jsub', ['-l', 'h_vmem=524288k', script])
    expect(asked()).toMatchObject({ memBytes: 524_288_000 })
    await run('jsub', ['-cwd', '-o', '.', '-l', 'h_vmem=256M', script])
    // Below jsub's usual 512 MB too: what is said counts.
    expect(asked()).toMatchObject({
      cwd: `${home}/sub`,
      out: `${home}/sub/bot.out`,
      memBytes: 256 * 2 ** 20,
    })
  })

  test('the command line goes before #$ lines, these before .jsubrc', async () => {
    writeFileSync(join(home, '.jsubrc'), '# mine\n-mem 64m # small\n-N rc\n-quiet\n')
    writeFileSync(script, '#!/bin/sh\n#$ -N head -v "A=b c"\n#$ -once\necho\n#$ -mem 9g\n')
    expect((await run('jsub', [script])).out).toBe('')
    expect(asked()).toMatchObject({
      name: 'head',
      memBytes: 2 ** 26,
      once: true,
      env: { A: 'b c' },
    })
    await run('jsub', ['-N', 'line', script])
    expect(asked()).toMatchObject({ name: 'line' })
    writeFileSync(join(home, 'rc'), '-N other\n-j y\n')
    writeFileSync(script, '#!/bin/sh\n')
    await run('jsub', [script], { JOBUTILS_JSUBRC: join(home, 'rc') })
    expect(asked()).toMatchObject({ name: 'other', err: `${home}/other.out` })
  })

  test('jstart and qcronsub are jsub with flags; a bot ends for good with 0', async () => {
    await run('jstart', ['-N', 'bot', script])
    expect(asked()).toMatchObject({ kind: 'continuous', once: true, restart: 'on-failure' })
    await run('qcronsub', [script])
    expect(asked()).toMatchObject({ kind: 'task', once: true })
  })

  test('a site may keep the old way: the words go through a shell once more', async () => {
    const old = { EVERGRID_JSUB_SHELL: '1', SHELL: '/bin/bash' }
    await run('jsub', [script, 'a  b', '$HOME'], old)
    expect(asked()).toMatchObject({ command: ['/bin/bash', '-c', `${script} a  b $HOME`] })
    await run('jstart', [script, 'a  b'], old)
    expect(asked()).toMatchObject({ command: [script, 'a  b'] })
  })

  const wrong: [string[], string][] = [
    [[], 'the following arguments are required: program, args'],
    [['-t', '1-3', '/bin/true'], 'unrecognized arguments: -t'],
    [['-mem', '1.5g', '/bin/true'], "argument -mem: '1.5g' cannot be read"],
    [['-mem', '512', '/bin/true'], "argument -mem: '512' cannot be read"],
    [['-l', 'gpu=1', '/bin/true'], "argument -l: unknown resource 'gpu'"],
    [['-a', 'soon', '/bin/true'], "argument -a: 'soon' cannot be read"],
    [['-N', '3bot', '/bin/true'], "argument -N: '3bot' is not a name"],
    [['-now', 'y', '/bin/true'], 'argument -now: a job waits'],
    [['no-such-thing'], "argument program: Program 'no-such-thing' not found."],
    [['-N'], '-N option must have argument'],
  ]
  test.each(wrong)('%j is wrong usage', async (argv, problem) => {
    const ran = await run('jsub', argv)
    expect(ran).toMatchObject({ status: 2, out: '' })
    expect(ran.err).toMatch(/^usage: jsub /)
    expect(ran.err).toContain(`jsub: error: ${problem}`)
    expect(api.heard).toEqual([])
  })

  test('a refusal is on the terminal and in the error file; with -stderr on the terminal alone', async () => {
    api.handlers.submitJob = taken
    const line = "[Mon Nov 23 08:00:00 2026] there is a job named 'bot' already active\n"
    expect(await run('jsub', ['-once', '-quiet', script])).toEqual({
      status: 1,
      out: '',
      err: line,
    })
    expect(await run('jsub', ['-once', '-stderr', script])).toMatchObject({ status: 1, err: line })
    expect(readFileSync(join(home, 'bot.err'), 'utf8')).toBe(line)
    chmodSync(script, 0o644)
    expect((await run('jsub', [script])).err).toContain(`${script}: not an executable file`)
    const nowhere = await run('jsub', ['-o', '/no/such/x', '/bin/true'])
    expect(nowhere).toMatchObject({ status: 1 })
    expect(nowhere.err).toContain("Failed to touch '/no/such/x': ")
  })

  test('what the scheduler refuses is worded as qsub does; too many is 25', async () => {
    const refuses = (code: 'refused' | 'over-quota') => () => {
      throw new Refused({ code, detail: 'no such queue', hint: 'take task' })
    }
    api.handlers.submitJob = refuses('refused')
    expect(await run('jsub', ['/bin/true'])).toEqual({
      status: 1,
      out: '',
      err: 'Unable to run job: no such queue\ntake task\nExiting.\n',
    })
    api.handlers.submitJob = refuses('over-quota')
    expect((await run('jsub', ['/bin/true'])).status).toBe(25)
    await api.close()
    const gone = await run('jsub', ['/bin/true'])
    expect(gone.status).toBe(1)
    expect(gone.err).toMatch(/^Unable to run job: .*\n[^]*Exiting\.\n$/)
  })

  test('what does nothing here is noted, unless -quiet', async () => {
    const argv = ['-l', 'release=buster', '-m', 'e', '/bin/true']
    const { err } = await run('jsub', argv)
    expect(err).toBe(
      'jsub: release=buster is not asked for: jobs run on any node\n' +
        'jsub: -m e: this grid sends no mail; see how jobs fare with eg jobs and eg history\n',
    )
    expect((await run('jsub', ['-quiet', ...argv])).err).toBe('')
  })

  test('-sync y tells the end as qsub does, and ends as the job did', async () => {
    const ends = (some: object) => {
      api.handlers.waitJob = () => jobSummary({ id: 17, state: 'finished', ...some })
      return run('jsub', ['-sync', 'y', '/bin/true'])
    }
    const submitted = 'Your job 17 ("true") has been submitted\n'
    expect(await ends({ outcome: 'succeeded', cause: { kind: 'exit', code: 0 } })).toEqual({
      status: 0,
      out: `${submitted}Job 17 exited with exit code 0.\n`,
      err: '',
    })
    expect(await ends({ outcome: 'failed', cause: { kind: 'exit', code: 7 } })).toEqual({
      status: 7,
      out: submitted,
      err: 'Job 17 exited with exit code 7.\n',
    })
    expect(await ends({ outcome: 'failed', cause: { kind: 'signal', signal: 'SIGKILL' } })).toEqual(
      {
        status: 1,
        out: submitted,
        err: 'Job 17 exited because of signal SIGKILL\n',
      },
    )
  })
})

describe('job', () => {
  const live = (...jobs: Parameters<typeof jobSummary>[0][]) => {
    api.handlers.listJobs = () => ({ jobs: jobs.map(jobSummary), next: null })
  }
  const startedAt = '2026-11-22T17:15:59.000Z'
  test.each([
    ['none', [], 0, '', "No job 'bot' is currently queued or running.\n"],
    ['another name', [{ name: 'bot2' }], 0, '', "No job 'bot' is currently queued or running.\n"],
    [
      'running',
      [{ id: 5, startedAt }],
      1,
      '5\n',
      "Job 'bot' has been running since 2026-11-22T17:15:59 as id 5\n",
    ],
    [
      'between two runs',
      [{ id: 5, state: 'backoff', startedAt }],
      1,
      '5\n',
      "Job 'bot' has been running since 2026-11-22T17:15:59 as id 5\n",
    ],
    ['waiting', [{ id: 17, state: 'pending' }], 2, '17\n', "Job 'bot' is pending as id 17\n"],
    [
      'one of each',
      [
        { id: 4, state: 'pending' },
        { id: 6, startedAt },
      ],
      1,
      '6\n',
      "Job 'bot' has been running since 2026-11-22T17:15:59 as id 6\n",
    ],
    [
      'one behind one that is stopped',
      [
        { id: 4, state: 'stopping', startedAt },
        { id: 6, state: 'pending' },
      ],
      2,
      '6\n',
      "Job 'bot' is pending as id 6\n",
    ],
  ] as const)('%s', async (_, jobs, status, out, sentence) => {
    live(...jobs)
    expect(await run('job', ['bot'])).toEqual({ status, out, err: '' })
    expect(await run('job', ['-q', 'bot'])).toEqual({ status, out: '', err: '' })
    expect(await run('job', ['-v', 'bot'])).toEqual({ status, out: sentence, err: '' })
  })

  test('wrong usage', async () => {
    for (const argv of [[], ['a', 'b'], ['-x', 'a'], ['-q', '-v', 'a']])
      expect(await run('job', argv)).toMatchObject({ status: 2, out: '' })
  })

  test('jstop: what waited is gone, what ran is gone when it is, and none is 1', async () => {
    api.handlers.stopJobs = () => ({ done: [], refused: [] })
    live({ id: 77, state: 'pending' })
    expect(await run('jstop', ['bot'])).toMatchObject({
      status: 0,
      out: 'ada has deleted job 77\n',
    })
    live({ id: 5 })
    let looks = 0
    api.handlers.waitJob = () => {
      looks += 1
      return jobSummary({ state: looks < 3 ? 'stopping' : 'finished' })
    }
    expect(await run('jstop', ['bot'])).toMatchObject({
      status: 0,
      out: 'ada has registered the job 5 for deletion\n',
    })
    expect(looks).toBe(3)
    live()
    expect(await run('jstop', ['x'])).toEqual({
      status: 1,
      out: '',
      err: "No job 'x' is currently queued or running\n",
    })
    expect((await run('jstop', [])).status).toBe(2)
  })
})

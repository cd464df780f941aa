/** Jobs files: what they say, what is wrong in them, and that what is written is read back as the same. */
import { readFileSync } from 'node:fs'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { jobDefaults } from '../../../proto/job-defaults.ts'
import { changesOf, type Present } from '../../../src/cli/tool-labs/jobs-file/changes.ts'
import { jobsFileText, readJobsFile } from '../../../src/cli/tool-labs/jobs-file/file.ts'
import { keys, written } from '../../../src/cli/tool-labs/jobs-file/keys.ts'
import { saidOf } from '../../../src/cli/tool-labs/jobs-file/said.ts'
import type { Wanted } from '../../../src/cli/tool-labs/jobs-file/wanted.ts'

const home = '/home/tool'
const read = (text: string) => readJobsFile(text, home)
function wanted(text: string): Wanted[] {
  const file = read(text)
  if (!file.ok) throw new Error(file.problems.join('\n'))
  return file.wanted
}
const problems = (text: string) => {
  const file = read(text)
  return file.ok ? [] : file.problems
}

describe('reading', () => {
  test("a file as the framework's own checklist has it", () => {
    const [once, nightly, bot] = wanted(`
# what the tool is
- name: migrate
  image: python3.11
  command: ./migrate.sh --all && echo done
  wait: true
- name: nightly
  image: python3.11
  command: ./nightly.sh
  schedule: "@daily"
  mem: 1Gi
  cpu: 500m
  retry: 2
  timeout: 3600
  emails: onfailure
  filelog-stdout: logs/nightly.log
- name: bot
  image: python3.11
  command: [./bot.sh, --fast]
  continuous: true
  no-filelog: true
  port: 8000
  health-check-http: /healthz
  env: { LEVEL: 3 }
`)
    expect(once).toMatchObject({ kind: 'once', name: 'migrate', waitMs: 600_000 })
    expect(once?.job).toMatchObject({
      name: 'migrate',
      kind: 'task',
      command: ['/bin/sh', '-c', './migrate.sh --all && echo done'],
      cwd: home,
      out: 'migrate.out',
      err: 'migrate.err',
      memBytes: jobDefaults.memBytes,
    })
    expect(nightly).toMatchObject({
      kind: 'schedule',
      when: { expression: '@daily', tz: 'UTC', overlap: 'forbid', catchUp: 'none', jitterMs: 0 },
      job: {
        memBytes: 2 ** 30,
        cpuCores: 0.5,
        retry: 2,
        timeMs: 3_600_000,
        out: 'logs/nightly.log',
        err: 'nightly.err',
      },
    })
    expect(bot).toMatchObject({
      kind: 'continuous',
      job: {
        kind: 'continuous',
        command: ['./bot.sh', '--fast'],
        out: '/dev/null',
        err: '/dev/null',
        env: { LEVEL: '3', PORT: '8000' },
        check: { probe: { kind: 'http', url: 'http://127.0.0.1:8000/healthz' } },
      },
    })
  })

  test('notes of what does nothing here come once', () => {
    const file = read(`
- { name: a, command: a, image: python3.11, emails: all, mount: none }
- { name: b, command: b, image: php8.2, emails: none }
`)
    expect(file.ok && file.notes).toEqual([
      'image: images are not used: jobs run with the programs that the nodes have',
      'emails: this grid sends no mail; see how jobs fare with `eg jobs` and `eg history`',
      'mount: jobs always see the home',
    ])
  })

  test('sizes are counted as Kubernetes does', () => {
    const memory = (mem: string) =>
      wanted(`- { name: a, command: a, mem: ${mem} }`)[0]?.job.memBytes
    expect(['512Mi', '1Gi', '100M', '1G', '104857600', '1.5Gi'].map(memory)).toEqual([
      512 * 2 ** 20,
      2 ** 30,
      100_000_000,
      1e9,
      104_857_600,
      1.5 * 2 ** 30,
    ])
  })

  test('a job may have a name that a schedule may not', () => {
    expect(problems('- { name: "a(1)", command: a, continuous: true }')).toEqual([])
    expect(problems('- { name: "a(1)", command: a, schedule: "@daily" }')).toHaveLength(1)
  })

  test('nothing is no jobs', () => {
    expect(wanted('')).toEqual([])
    expect(wanted('[]')).toEqual([])
  })
})

describe('problems', () => {
  const cases: [string, string, string][] = [
    [
      'an unknown key',
      '- name: a\n  command: a\n  comand: b',
      'line 3: job a: there is no key "comand"; did you mean "command"?',
    ],
    [
      'a key far from any',
      '- { name: a, command: a, zzzzzz: 1 }',
      'line 1: job a: there is no key "zzzzzz"',
    ],
    ['no name', '- command: a', 'line 1: "name" is missing'],
    ['no command', '- name: a', 'line 1: job a: "command" is missing'],
    [
      'a name of another kind',
      '- { name: 9a, command: a }',
      'line 1: job 9a: "name" "9a" is not a name',
    ],
    [
      'two kinds',
      '- name: a\n  command: a\n  schedule: "@daily"\n  continuous: true',
      'line 4: job a: "continuous" and "schedule" exclude each other',
    ],
    [
      'a size',
      '- { name: a, command: a, mem: lots }',
      'line 1: job a: mem: "lots" is not a size; write for example 512Mi or 2Gi',
    ],
    [
      'a size that YAML made a fraction',
      '- { name: a, command: a, mem: 0 }',
      'mem: 0 is not a size',
    ],
    [
      'a flag',
      '- { name: a, command: a, continuous: "yes" }',
      'continuous: "yes" is neither true nor false',
    ],
    [
      'a retry of a bot',
      '- { name: a, command: a, continuous: true, retry: 1 }',
      '"retry" is for jobs that end',
    ],
    [
      'a wait for a schedule',
      '- { name: a, command: a, schedule: "@daily", wait: true }',
      '"wait" is for jobs that run once',
    ],
    [
      'an overlap of a one-off',
      '- { name: a, command: a, overlap: allow }',
      '"overlap" is for jobs with a "schedule"',
    ],
    [
      'an image that is the program',
      '- { name: a, command: web, image: tool-a/tool-a:latest }',
      '"image" tool-a/tool-a:latest has the program inside',
    ],
    [
      'copies',
      '- { name: a, command: a, continuous: true, replicas: 3 }',
      '"replicas" write a job for each copy',
    ],
    [
      'a path without a port',
      '- { name: a, command: a, continuous: true, health-check-http: /x }',
      'a path needs a "port"',
    ],
    [
      'two checks',
      '- { name: a, command: a, continuous: true, health-check-http: "http://x/", health-check-script: ./c }',
      'exclude each other',
    ],
    [
      'files and none',
      '- { name: a, command: a, no-filelog: true, filelog-stdout: x }',
      'exclude each other',
    ],
    [
      'a name twice',
      '- { name: a, command: a }\n- { name: a, command: b }',
      'the name "a" is there twice',
    ],
    ['no list', 'name: a', 'line 1: write a list of jobs'],
    ['no job in a list', '- name: a\n  command: a\n- just text', 'line 3: this is not a job'],
    ['no YAML', '- name: [a', 'line 1:'],
    ['a key twice', '- name: a\n  name: b\n  command: a', 'line 2:'],
  ]
  test.each(cases)('%s', (_, text, problem) => {
    expect(problems(text).join('\n')).toContain(problem)
  })

  test('all of them are told at once, and a value that cannot be read is not also missing', () => {
    expect(problems('- name: 5\n  command: a\n- nmae: b\n  command: ""')).toEqual([
      'line 1: name: 5 is not text; write it in quotes',
      'line 3: there is no key "nmae"; did you mean "name"?',
      'line 4: command: "" is not a command; write a line for the shell, or a list of words',
      'line 3: "name" is missing',
    ])
  })
})

describe('writing', () => {
  const names = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/)
  const ms = fc.integer({ min: 1, max: 100_000 }).map((seconds) => seconds * 1000)
  const words = fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 })
  const common = {
    command: fc.oneof(
      words,
      fc.stringMatching(/^[ -~]*[!-~][ -~]*$/).map((line) => ['/bin/sh', '-c', line]),
    ),
    mem: fc.integer({ min: 2 ** 20, max: 2 ** 40 }),
    cpu: fc.integer({ min: 1, max: 64_000 }).map((milli) => milli / 1000),
    timeout: ms,
    env: fc.dictionary(names, fc.string(), { minKeys: 1, maxKeys: 2 }),
    where: fc.dictionary(names, fc.string(), { minKeys: 1, maxKeys: 2 }),
    resources: fc.dictionary(names, fc.integer({ min: 1, max: 99 }), { minKeys: 1, maxKeys: 2 }),
    umask: fc.integer({ min: 0, max: 0o777 }),
    'filelog-stdout': fc.constantFrom('a.log', '/tmp/$JOB_ID', 'x y'),
    grace: ms,
    'stop-signal': fc.constantFrom('SIGINT', 'SIGUSR2'),
    'on-partition': fc.constantFrom('stop' as const, 'keep' as const),
    cwd: fc.constantFrom('/srv', '/home/tool/sub'),
  }
  const continuous = {
    port: fc.integer({ min: 1, max: 65_535 }),
    restart: fc.constant('on-failure' as const),
    'health-check-script': words,
    'check-interval': ms,
    silence: ms,
  }
  const scheduled = {
    schedule: fc.constantFrom('@daily', '0 3 * * *'),
    tz: fc.constantFrom('UTC', 'Europe/Berlin'),
    overlap: fc.constantFrom('queue' as const, 'allow' as const),
    jitter: ms,
    retry: fc.integer({ min: 1, max: 5 }),
    array: fc.constant({ from: 1, to: 9, step: 2 }),
    'job-name': names,
  }
  const jobs = fc.oneof(
    fc
      .record({ ...common, ...continuous }, { requiredKeys: ['command'] })
      .map((said) => ({ ...said, continuous: true })),
    fc.record({ ...common, ...scheduled }, { requiredKeys: ['command', 'schedule'] }),
  )

  test('what is dumped is read back as the same jobs, and dumped as the same text', () => {
    fc.assert(
      fc.property(names, jobs, (name, job) => {
        const once = wanted(jobsFileText([written({ name, ...job })]))
        const text = jobsFileText(once.map((each) => written(saidOf(each, home))))
        const again = wanted(text)
        expect(again).toEqual(once)
        expect(jobsFileText(again.map((each) => written(saidOf(each, home))))).toBe(text)
      }),
    )
  })

  test('only what differs from the usual', () => {
    const text = '- name: bot\n  command: ./bot.sh\n  continuous: true\n'
    expect(jobsFileText(wanted(text).map((each) => written(saidOf(each, home))))).toBe(text)
    expect(jobsFileText([])).toBe('[]\n')
  })

  test('of the environment only what somebody said: not what jsub and qsub tell their jobs', () => {
    const [bot] = wanted('- { name: a, command: a, continuous: true, env: { A: b, PATH: /x } }')
    const told = { SGE_O_WORKDIR: home, SGE_O_HOST: 'h', ARC: 'lx-amd64', TERM: '', HOME: home }
    const env = { ...bot?.job.env, ...told }
    const live = { ...bot, job: { ...bot?.job, env } } as Wanted
    expect(saidOf(live, home)).toMatchObject({ env: { A: 'b', PATH: '/x' } })
    expect(Object.keys(saidOf(live, home).env ?? {})).toEqual(['A', 'PATH'])
    // Of a job that was submitted otherwise, all is somebody's.
    const { SGE_O_WORKDIR: _, ...others } = env
    const other = { ...bot, job: { ...bot?.job, env: others } } as Wanted
    expect(saidOf(other, home).env).toEqual(others)
  })

  test("a node's own names for output are those that a file would give", () => {
    const [bot, nightly] = wanted(
      '- { name: a, command: a, continuous: true }\n- { name: n, command: a, schedule: "@daily" }',
    ).map((each) => ({ ...each, job: { ...each.job, out: null, err: null } }))
    expect(saidOf(bot as Wanted, home)).not.toHaveProperty('filelog-stdout')
    expect(saidOf(nightly as Wanted, home)).toMatchObject({
      'filelog-stdout': 'n.o$JOB_ID',
      'filelog-stderr': 'n.e$JOB_ID',
    })
  })

  test('the document names every key', () => {
    const text = readFileSync(
      new URL('../../../docs/migrating-from-tool-labs.md', import.meta.url),
      'utf8',
    )
    expect(Object.keys(keys).filter((key) => !text.includes(`\`${key}\``))).toEqual([])
  })

  test('durations are written in seconds', () => {
    expect(written({ name: 'a', wait: 5000, image: 'x' })).toEqual({
      name: 'a',
      image: 'x',
      wait: 5,
    })
  })
})

describe('changes', () => {
  const file = `
- { name: same, command: a, continuous: true }
- { name: other, command: a, continuous: true, mem: 1Gi }
- { name: new, command: a, continuous: true }
- { name: nightly, command: a, schedule: "@daily" }
- { name: once, command: a }
- { name: again, command: a }
- { name: turned, command: a, schedule: "@hourly" }
`
  const live = (text: string): Present[] =>
    wanted(text).map((each, at) => ({ ...each, id: at + 1 }) as Present)
  const present = live(`
- { name: same, command: a, continuous: true }
- { name: other, command: b, continuous: true }
- { name: nightly, command: a, schedule: "0 0 * * *" }
- { name: once, command: other }
- { name: turned, command: a, continuous: true }
- { name: stranger, command: a, continuous: true }
- { name: stray, command: a }
`)
  const changes = (prune: boolean) => changesOf(wanted(file), present, { home, prune })
  const short = (prune: boolean) =>
    changes(prune).map(
      (change) => `${change.what} ${'wanted' in change ? change.wanted.name : change.present.name}`,
    )

  test('create, update, keep, and turn; others are left alone', () => {
    expect(short(false)).toEqual([
      'remove turned',
      'keep same',
      'update other',
      'create new',
      'update nightly',
      'keep once',
      'create again',
      'create turned',
    ])
    expect(changes(false)[2]).toMatchObject({
      differences: [
        { key: 'command', before: 'b', after: 'a' },
        { key: 'mem', before: null, after: '1Gi' },
      ],
    })
  })

  test('with prune, what lasts and is not named goes; what runs once runs on', () => {
    expect(short(true).slice(0, 2)).toEqual(['remove turned', 'remove stranger'])
    expect(short(true)).toHaveLength(9)
  })
})

/** Values of Grid Engine's flags, and what a job request becomes of them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { jobRequest, type Around } from '../../../src/cli/grid-engine/job-request.ts'
import { splitWords } from '../../../src/cli/grid-engine/option-sources.ts'
import { submitFlags } from '../../../src/cli/grid-engine/submit-flags.ts'
import { readSources } from '../../../src/cli/grid-engine/submit-sources.ts'
import {
  dateValue,
  matches,
  memoryValue,
  pathFor,
  taskRange,
  timeValue,
  variables,
} from '../../../src/cli/grid-engine/values.ts'

let zone: string | undefined
beforeEach(() => {
  zone = process.env['TZ']
  process.env['TZ'] = 'UTC'
})
afterEach(() => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

test.each([
  ['1G', 2 ** 30],
  ['1g', 1e9],
  ['1.5K', 1536],
  ['512', 512],
  ['INFINITY', Infinity],
  ['1GB', null],
  ['', null],
])('memory %s', (text, bytes) => expect(memoryValue(text)).toBe(bytes))

test.each([
  ['90', 90],
  ['1:30', 90],
  ['1:00:00', 3600],
  ['::30', 30],
  ['infinity', Infinity],
  ['1h', null],
  ['1:2:3:4', null],
])('time %s', (text, seconds) => expect(timeValue(text)).toBe(seconds))

test.each([
  ['203001010000', '2030-01-01T00:00:00.000Z'],
  ['3001010000.30', '2030-01-01T00:00:30.000Z'],
  ['11230915', '2026-11-23T09:15:00.000Z'],
  ['13010000', null],
  ['9999', null],
])('date %s', (text, iso) => {
  const at = dateValue(text, Date.UTC(2026, 10, 22))
  expect(at === null ? null : new Date(at).toISOString()).toBe(iso)
})

test.each([
  ['3', [3, 3, 1]],
  ['1-10:3', [1, 10, 3]],
  ['5-1', [1, 5, 1]],
  ['1:8', [1, 8, 1]],
  ['abc', null],
])('tasks %s', (text, range) => {
  const found = taskRange(text)
  expect(found === null ? null : [found.from, found.to, found.step]).toEqual(range)
})

test('paths, variables and patterns', () => {
  expect([':/a', 'host:/a', '/a', 'h:/b,/a', 'a:b'].map(pathFor)).toEqual([
    '/a',
    '/a',
    '/a',
    '/a',
    'b',
  ])
  expect(variables(`A=1,B,C="x,y",D='a b',E=`)).toEqual([
    ['A', '1'],
    ['B', null],
    ['C', 'x,y'],
    ['D', 'a b'],
    ['E', ''],
  ])
  expect(matches('*64*', 'lx-amd64')).toBe(true)
  expect(matches('[ab].q', 'c.q')).toBe(false)
})

describe('a job request', () => {
  const around: Around = {
    env: { PATH: '/bin', A: '1', TERM: 'xterm' },
    cwd: '/home/alice/w',
    user: 'alice',
    home: '/home/alice',
    shell: '/bin/bash',
    host: 'vm',
    now: Date.UTC(2026, 10, 22),
    isFolder: (path) => path === '/tmp',
  }
  const request = (line: string, input = 'true\n', env: Record<string, string> = {}) => {
    const world = { env: {}, cwd: '/nowhere', readInput: () => input }
    const told = readSources('qsub', submitFlags, splitWords(line), world)
    return jobRequest('qsub', told, { ...around, env: { ...around.env, ...env } }).request
  }

  test('a binary goes through the shell, its words joined; -shell n keeps them apart', () => {
    expect(request('-b y echo "a  b" ""').command).toEqual(['/bin/sh', '-c', 'echo a  b ""'])
    expect(request('-b y -shell n echo "a  b"').command).toEqual(['echo', 'a  b'])
    expect(request('-b y -S /bin/bash,h:/bin/zsh echo').command[0]).toBe('/bin/bash')
  })

  test('a piped script is kept whole, with its own flags below those of the command line', () => {
    const made = request(
      '-N mine -',
      '#!/bin/bash\n#$ -N its -j y -l h_rt=60\n#$ -l h_vmem=1G\necho',
    )
    expect(made).toMatchObject({
      name: 'mine',
      script: '#!/bin/bash\n#$ -N its -j y -l h_rt=60\n#$ -l h_vmem=1G\necho',
      command: ['/bin/sh', '$JOB_SCRIPT'],
      cwd: '/home/alice',
      timeMs: 60_000,
      memBytes: 2 ** 30,
      out: 'mine.o${JOB_ID}',
      err: 'mine.o${JOB_ID}',
    })
    expect(request('', 'true')).toMatchObject({ name: 'STDIN' })
    expect(request('', 'true')).not.toHaveProperty('out')
  })

  test('output paths: folders, hosts, and variables with no break after them', () => {
    expect(request('-o /tmp/ -e :/tmp -b y -N a true')).toMatchObject({
      out: '/tmp/a.o${JOB_ID}',
      err: '/tmp/a.e${JOB_ID}',
    })
    expect(request('-o $JOB_NAME-$JOB_IDx-$TASK_ID-$USER -b y -N a true').out).toBe(
      'a-${JOB_ID}x-0-alice',
    )
    expect(request('-t 1-2 -o $HOME/$TASK_ID/ -N a -b y true').out).toBe(
      '/home/alice/${TASK_ID}/a.o${JOB_ID}.${TASK_ID}',
    )
    expect(() => request('-i in.$JOB_ID -b y true')).toThrow('-i in.$JOB_ID')
  })

  test('the environment: nothing of the submitter but what is said', () => {
    expect(request('-v B=2,A,C -b y env').env).toMatchObject({
      A: '1',
      B: '2',
      C: '',
      SGE_O_PATH: '/bin',
    })
    expect(request('-b y env').env).not.toHaveProperty('PATH')
    // Notes are told to everybody; values stand in the environment alone.
    expect(request('-v KEY=hush -b y env').notes?.['qsub']).not.toContain('hush')
    const inJob = { PE: 'smp', PE_HOSTFILE: '/tmp/x', JOB_SCRIPT: '/tmp/y' }
    const nested = request('-V -b y env', '', inJob).env
    for (const name of Object.keys(inJob)) expect(nested).not.toHaveProperty(name)
    expect(request('-V -v A=9 -b y env').env).toMatchObject({
      PATH: '/bin',
      A: '9',
      SHELL: '/bin/sh',
    })
  })

  test('memory for each slot, limits of processes, warnings and ends', () => {
    expect(request('-pe smp 2-4 -l h_vmem=1G,h=n1,arch=*64*,gpu=yes -b y true')).toMatchObject({
      slots: 2,
      memBytes: 2 ** 31,
      where: { hostname: 'n1', arch: 'x64', gpu: 'yes' },
      env: { PE: 'smp' },
    })
    expect(request('-l mem_free=1M -b y true').memBytes).toBe(512 * 2 ** 20)
    expect(request('-l s_cpu=9,h_cpu=10,h_core=0 -b y -shell n true').command).toEqual([
      ...['prlimit', '--cpu=9:10', '--core=0:0', '--', 'true'],
    ])
    expect(request('-l s_rt=50,h_rt=60 -b y true')).toMatchObject({
      timeMs: 60_000,
      warn: { signal: 'SIGUSR1', beforeMs: 10_000 },
    })
    expect(() => request('-l s_rt=50 -b y true')).toThrow('needs -l h_rt')
    expect(request('-notify -b y true').stop).toEqual({ signal: 'SIGUSR2', graceMs: 60_000 })
    expect(request('-r y -b y true').exits).toEqual({ again: 99, hold: 100, lost: true })
  })

  test.each(['-jsv x', '-masterq a.q', '-he y', '-ot 5', '-ar 1', '-ckpt x', '-dl 203001010000'])(
    '%s is refused by name',
    async (flags) => {
      const { refuseUnknown } = await import('../../../src/cli/grid-engine/refused-flags.ts')
      const { said } = readSources('qsub', submitFlags, [...splitWords(flags), '-b', 'y', 'true'], {
        env: {},
        cwd: '/nowhere',
        readInput: () => '',
      })
      expect(() => refuseUnknown('qsub', said, 'alice')).toThrow(/Unable to run job: /)
    },
  )
})

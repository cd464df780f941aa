/** Grid Engine's commands by their own names in dist/bin, on a real grid: jobs run, end as they say, and are seen. */
import { execFile } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { egPath, TestGrid, type Ended } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
const bin = dirname(egPath)

beforeAll(async () => {
  grid = await TestGrid.start({ slots: 4 })
})
afterAll(() => grid.end())

const run = (program: string, args: string[], input = ''): Promise<Ended> =>
  new Promise((resolve) => {
    const options = { env: { ...grid.env, HOME: grid.work }, cwd: grid.work }
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      const status = typeof error?.code === 'number' ? error.code : error ? 255 : 0
      resolve({ status, stdout, stderr })
    })
    child.stdin?.end(input)
  })
const ge = (name: string, ...args: string[]) => run(join(bin, name), args)
const output = (name: string) => readFileSync(join(grid.work, name), 'utf8')

test('a script with #$ lines runs as it was at the submit, in the world of Grid Engine', async () => {
  const script = join(grid.work, 'job.sh')
  writeFileSync(
    script,
    '#$ -N world -cwd -j y\n#!/bin/false\n#$ -pe smp 2\necho "$# $1 $SHELL $NSLOTS $QUEUE $SGE_TASK_ID"\n' +
      'cut -d" " -f2,3 "$PE_HOSTFILE" | sed s/@.*//\nls "$TMPDIR"; test "$0" = "$JOB_SCRIPT" && exit 4',
  )
  const held = await ge('qsub', '-h', '-terse', script, 'a b')
  expect(held).toMatchObject({ status: 0, stderr: '' })
  const id = held.stdout.trim()
  writeFileSync(script, 'echo changed\n')
  expect((await ge('qstat')).stdout).toMatch(
    new RegExp(`^ +${id} 0\\.00000 world      \\S+ +hqw   [\\d/]{10} [\\d:]{8} {36}2 {8}$`, 'm'),
  )
  expect((await ge('qrls', id)).stdout).toBe(`modified hold of job ${id}\n`)
  await grid.finished(Number(id))
  expect(output(`world.o${id}`)).toBe('1 a b /bin/sh 2 all.q undefined\n2 all.q\n')
  expect((await grid.show(id)).cause).toEqual({ kind: 'exit', code: 4 })
  const gone = await ge('qstat', '-j', id)
  expect(gone).toEqual({ status: 1, stdout: '', stderr: `Following jobs do not exist: \n${id}\n` })
})

test('-l asks for a named resource where it is defined, and for a label as ever', async () => {
  await grid.ok('resource', 'set', 'seats=1')
  const qsub = (list: string) => ge('qsub', '-terse', '-cwd', '-l', list, '-b', 'y', 'true')
  const job = Number((await qsub('seats=1')).stdout)
  expect((await grid.finished(job)).spec).toMatchObject({ resources: { seats: 1 }, where: {} })
  expect((await qsub('seats=2')).stderr).toContain(
    'no suitable queues: it asks for 2 of resource "seats", and there are 1 in all',
  )
  expect((await qsub('chairs=1')).stderr).toContain('unknown resource "chairs"')
})

test('-sync y ends as the job did, also of a piped script and an array', async () => {
  const piped = await run(
    join(bin, 'qsub'),
    ['-sync', 'y', '-cwd', '-l', 'h_core=0'],
    'ulimit -c; exit 3\n',
  )
  const id = /job (\d+) \("STDIN"\)/.exec(piped.stdout)?.[1]
  expect(piped).toMatchObject({ status: 3, stderr: `Job ${id} exited with exit code 3.\n` })
  expect(output(`STDIN.o${id}`)).toBe('0\n')
  const array = await ge('qsub', '-sync', 'y', '-cwd', '-t', '1-3', '-b', 'y', 'exit $SGE_TASK_ID')
  expect(array.status).toBe(1)
  expect(array.stderr.match(/exit code \d/g)).toEqual(['exit code 1', 'exit code 2', 'exit code 3'])
})

test('a running job is seen in every form, and deleted by its name', async () => {
  await ge('qsub', '-terse', '-N', 'runs', '-b', 'y', 'sleep', '600')
  const state = async () => (await ge('qstat', '-s', 'r')).stdout
  await until(async () => / runs .* r  /.test(await state()), { what: 'the start of the job' })
  expect((await ge('qstat', '-xml')).stdout).toMatch(
    /<job_list state="running">[^]*<JB_name>runs<\/JB_name>/,
  )
  expect((await ge('qstat', '-f')).stdout).toMatch(/^all\.q@\S+ +BIP +0\/1\/4 /m)
  expect((await ge('qstat', '-j', 'runs')).stdout).toMatch(/^script_file: +sleep$/m)
  expect((await ge('qdel', 'runs')).stdout).toMatch(/has registered the job \d+ for deletion/)
  await until(async () => (await state()) === '', { what: 'the end of the job' })
})

test('exit 100 holds a job in error until it is cleared', async () => {
  const script = join(grid.work, 'error.sh')
  writeFileSync(script, 'test -e cleared || exit 100\n')
  const id = (await ge('qsub', '-terse', '-cwd', script)).stdout.trim()
  const list = async () => (await ge('qstat')).stdout
  await until(async () => (await list()).includes(' Eqw '), { what: 'the error state' })
  expect((await ge('qstat', '-j', id)).stdout).toMatch(/^error reason +1: +.*100/m)
  writeFileSync(join(grid.work, 'cleared'), '')
  expect((await ge('qmod', '-cj', id)).stdout).toContain(`cleared error state of job ${id}`)
  expect((await grid.finished(Number(id))).outcome).toBe('succeeded')
})

test('a link elsewhere is found by its name; without a scheduler the word qmaster is said', async () => {
  const link = join(grid.folder, 'qsub')
  symlinkSync(egPath, link)
  chmodSync(grid.folder, 0o755)
  expect((await run(link, ['-verify', '-b', 'y', 'true'])).stdout).toContain(
    'job_name:                   true',
  )
  expect(existsSync(join(bin, 'qsub'))).toBe(true)
  const env = { EVERGRID_URL: 'http://127.0.0.1:9', EVERGRID_PATIENCE: '100ms' }
  const away = await run('env', [
    ...Object.entries(env).map((pair) => pair.join('=')),
    join(bin, 'qstat'),
  ])
  expect(away.status).toBe(1)
  expect(away.stderr).toContain('qmaster')
})

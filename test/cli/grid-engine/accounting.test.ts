/** qacct's records, as clients read them: columns, numbers for the way of the end, and what is not there. */
import { beforeAll, expect, test } from 'vitest'

import { GridEngineWorld } from '../../support/grid-engine.ts'

let world: GridEngineWorld
beforeAll(async () => {
  process.env['TZ'] = 'UTC'
  world = await GridEngineWorld.open()
  await world.submit('alice', 148, '-N rc3 -pe smp 2 -A lab -b y exit')
  await world.submit('alice', 149, '-N arr -t 1-2 -l h_rt=60 -b y true')
  await world.submit('bob', 150, '-N other -b y true')
  await world.start()
  await world.grid.clock.advance(2500)
  world.node.exit('148.1', 3)
  world.node.end('149.1', { kind: 'time-limit', limitMs: 60_000 })
  world.node.end(
    '149.2',
    { kind: 'signal', signal: 'SIGSEGV' },
    { usage: { cpuMs: 1500, memBytes: 0, peakMemBytes: 4912, readBytes: 0, writtenBytes: 0 } },
  )
  world.node.exit('150.1', 0)
  await world.node.report()
  await world.grid.quiet()
})
const qacct = (...argv: string[]) => world.run('alice', ['qacct', ...argv])

test('a job: values from column 13, and two blanks before the exit status', async () => {
  const { stdout, exit } = await qacct('-j', '148')
  expect(exit).toBe(0)
  const lines = stdout.split('\n')
  expect(lines[0]).toBe('='.repeat(62))
  expect(lines).toContain('jobnumber    148                 ')
  expect(lines).toContain('account      lab                 ')
  expect(lines).toContain('granted_pe   smp                 ')
  expect(lines).toContain('failed       0    ')
  expect(lines).toContain('exit_status  3                   ')
  expect(lines).toContain('qsub_time    Sun Nov 22 17:04:59 2026')
  expect(lines).toContain('end_time     Sun Nov 22 17:05:01 2026')
  expect(lines).toContain('ru_wallclock 2s')
})

test('each task has a record, with the number of its failure', async () => {
  const { stdout } = await qacct('-j', 'ar*')
  expect(stdout.match(/^taskid .*$/gm)).toEqual([
    'taskid       1                   ',
    'taskid       2                   ',
  ])
  expect(stdout).toContain('failed       37  : qmaster enforced h_rt, h_cpu, or h_vmem limit\n')
  expect(stdout).toContain('exit_status  139                  (Segmentation fault)\n')
  expect(stdout).toContain('ru_maxrss    4.797KB\n')
  expect((await qacct('-j', '149', '-t', '2')).stdout.match(/^taskid/gm)).toHaveLength(1)
})

test('who, when and where leave out the others; sums are of what is left', async () => {
  expect((await qacct('-o', 'bob', '-j')).stdout.match(/^owner .*$/gm)).toEqual([
    'owner        bob                 ',
  ])
  expect((await qacct('-j', 'nobody')).stderr).toBe('error: job name nobody not found\n')
  expect(await qacct('-j', '9')).toMatchObject({ exit: 1, stderr: 'error: job id 9 not found\n' })
  expect((await qacct('-j', '148', '-b', '202611230000')).exit).toBe(1)
  const sums = (await qacct('-o')).stdout.split('\n')
  expect(sums[2]).toMatch(/^alice {12}6 {9}1\.500 {9}0\.000 {9}1\.500 /)
  expect(sums[3]).toMatch(/^bob {14}2 /)
  expect((await qacct()).stdout).toMatch(/^Total System Usage\n {4}WALLCLOCK/)
  expect((await qacct('-P')).exit).toBe(1)
})

test('what was never placed has no record', async () => {
  await world.submit('alice', 160, '-h -b y true')
  await world.run('alice', ['qdel', '160'])
  expect((await qacct('-j', '160')).exit).toBe(1)
})

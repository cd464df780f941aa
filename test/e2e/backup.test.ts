/** `eg backup`, `eg restore` and `eg check` on a grid of real daemons: what runs is never touched. */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import type { BackupDone, CheckDone, RestoreDone } from '../../proto/database.ts'
import { isRoot, nobody } from '../support/as-user.ts'
import { isAlive, TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

test('a running grid is backed up, loses its scheduler’s disk, and goes on from the backup', async () => {
  const grid = await TestGrid.start()
  onTestFinished(() => grid.end())
  const bot = await grid.submit('--continuous', '--name', 'bot', '--', 'sleep', '4711')
  const { pid } = await grid.running(bot)
  const file = join(grid.folder, 'backup.db')
  const done = await grid.json<BackupDone>('backup', file)
  expect(done).toMatchObject({ file, liveJobs: 1, secrets: ['secret', 'node-secret'] })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const again = await grid.eg('backup', file)
  expect(again).toMatchObject({ status: 1, stdout: '' })
  expect(again.stderr).toBe(
    `eg: ${file} exists: nothing was written\neg: name another file, or say --force to write over it\n`,
  )
  const folder = await grid.eg('backup', grid.folder)
  // `--force` would change nothing about that.
  expect(folder.stderr).toBe(`eg: ${grid.folder} exists and is not a plain file\n`)
  expect(await grid.ok('backup', file, '--force')).toContain('1 live job, verified')
  expect(await grid.ok('check')).toMatch(/: sound\n$/)
  expect((await grid.json<CheckDone>('check', file)).findings).toEqual([])
  const none = await grid.eg('check', join(grid.folder, 'none.db'))
  expect(none).toMatchObject({ status: 3, stdout: '' })
  const letter = join(grid.folder, 'letter.db')
  writeFileSync(letter, 'a letter, perhaps')
  expect(await grid.eg('check', letter)).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/^damaged: .*restore a backup(.|\n)*: not sound\n$/),
    stderr: '',
  })
  if (isRoot) {
    const theirs = ['--data', join(grid.data, 'scheduler')]
    const stranger = await grid.egOf(nobody.uid, 'backup', '/tmp/never', ...theirs)
    expect(stranger).toMatchObject({ status: 4 })
    expect(stranger.stderr).toContain('is closed to this account')
  }
  const busy = await grid.eg('restore', file, '--overwrite')
  expect(busy).toMatchObject({ status: 1 })
  expect(busy.stderr).toContain('another scheduler is running')

  const lost = await grid.submit('--name', 'lost', '--', 'sleep', '4712')
  const lostRun = await grid.running(lost)
  const ended = await grid.submit('--name', 'ended', '--', 'sleep', '4713')
  const endedRun = await grid.running(ended)
  // After the restore it is nobody's to stop but ours, however this test ends.
  for (const { pid: left } of [lostRun, endedRun])
    onTestFinished(() => void (isAlive(left) && process.kill(left, 'SIGKILL')))
  await grid.interrupt()
  const nodeSecret = readFileSync(join(grid.data, 'scheduler/node-secret'), 'utf8')
  rmSync(join(grid.data, 'scheduler'), { recursive: true })
  const restored = await grid.json<RestoreDone>(
    'restore',
    file,
    '--data',
    join(grid.data, 'scheduler'),
  )
  expect(restored.secrets).toEqual({ restored: ['secret', 'node-secret'], kept: [] })
  expect(readFileSync(join(grid.data, 'scheduler/node-secret'), 'utf8')).toBe(nodeSecret)
  const over = await grid.eg('restore', file)
  expect(over).toMatchObject({ status: 1, stdout: '' })
  expect(over.stderr).toMatch(/has a database already: nothing was changed\neg: say --overwrite /)
  await grid.up()
  expect(await grid.running(bot)).toMatchObject({ pid })
  expect(isAlive(lostRun.pid)).toBe(true)
  const next = await grid.submit('--', 'true')
  expect(next).toBeGreaterThan(lost + 1000)
  await grid.finished(next)
  const unknownTasks = async () =>
    (await grid.node('node1')).unknownRuns.map(({ task }) => task).sort()
  await until(async () => (await unknownTasks()).length > 0)
  expect(await unknownTasks()).toEqual([`${lost}.1`, `${ended}.1`].sort())
  const stopped = await grid.ok('stop', '--wait', `${ended}.1`)
  expect(stopped).toBe(`job ${ended}.1: stopping unknown runs on node1\n`)
  expect(isAlive(endedRun.pid)).toBe(false)
  expect(await unknownTasks()).toEqual([`${lost}.1`])
  expect(await grid.ok('events')).toContain('this database is a backup of')

  expect(await grid.interrupt()).toContain('2 tasks keep running')
  const there = await grid.eg('restore', file)
  expect(there.stderr).toContain('has a database already: nothing was changed')
  const { keptAside } = await grid.json<RestoreDone>('restore', file, '--overwrite')
  expect(existsSync(keptAside ?? '')).toBe(true)
  await grid.up()
  expect(await grid.running(bot)).toMatchObject({ pid })
  expect(await grid.submit('--', 'true')).toBeGreaterThan(next)
  await until(async () => (await grid.node('node1')).unknownRuns.length > 0)
  await grid.ok('down', '--stop-jobs', '--data', grid.data)
  expect(isAlive(lostRun.pid)).toBe(false)
})

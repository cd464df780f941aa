import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { daemonIn, identityOf, isRunning } from '../../src/cli/daemons/process-identity.ts'
import { claim, readUpFile, release } from '../../src/cli/daemons/up-file.ts'
import { until } from '../support/wait.ts'

// Real daemons, started several times: on a busy machine each start takes seconds.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
let started: ChildProcess[]

type Eg = {
  child: ChildProcess
  out: () => string
  err: () => string
  ended: Promise<number | null>
}

function eg(...argv: string[]): Eg {
  const child = spawn(process.execPath, ['dist/src/cli/main.js', ...argv], {
    cwd: root,
    // A loaded machine takes its time to start a daemon again; that is not what is tried here.
    env: { ...process.env, EVERGRID_DATA: folder, EVERGRID_PATIENCE: '2m' },
  })
  started.push(child)
  let out = ''
  let err = ''
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (err += data.toString()))
  const ended = new Promise<number | null>((done) => {
    child.once('close', done)
  })
  return { child, out: () => out, err: () => err, ended }
}

const up = (port: number | string) =>
  eg(
    'up',
    '--port',
    String(port),
    '--slots',
    '1',
    '--nodes',
    '2',
    '--mem',
    '256M',
    '--allow-root-jobs',
  )
const readyUrl = (grid: Eg) =>
  until(() => /^ready (http:\S+)$/m.exec(grid.out())?.[1], {
    timeoutMs: 60_000,
    what: 'the ready line',
  })
const pidIn = (path: string) => Number(readFileSync(join(folder, path), 'latin1'))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eg-up-'))
  started = []
})
afterEach(async () => {
  await eg('down').ended
  for (const child of started) if (child.exitCode === null) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

test('a grid comes up, heals, lives through the end of its eg, and goes down in order', async () => {
  const first = up(0)
  const url = await readyUrl(first)
  expect(pidIn('up.pid')).toBe(first.child.pid)

  const second = up(0)
  expect(await second.ended).toBe(1)
  expect(second.err()).toContain(`a grid already runs from ${folder}`)
  expect(second.err()).toContain(url)

  const before = pidIn('scheduler/scheduler.pid')
  process.kill(before, 'SIGKILL')
  const listed = eg('nodes', '--json', '--url', url)
  expect(await listed.ended).toBe(0)
  expect((JSON.parse(listed.out()) as { name: string }[]).map(({ name }) => name).sort()).toEqual([
    'node1',
    'node2',
  ])
  expect(first.err()).toContain('eg: scheduler ended (SIGKILL); it starts again in 500ms')

  // A closing terminal ends nothing.
  first.child.kill('SIGHUP')
  // Killed itself, its daemons run on, and the next one takes their place.
  first.child.kill('SIGKILL')
  await first.ended
  const orphan = pidIn('scheduler/scheduler.pid')
  expect(identityOf(orphan)).not.toBeNull()
  const third = up(new URL(url).port)
  expect(await readyUrl(third)).toBe(url)
  expect(identityOf(orphan)).toBeNull()

  const scheduler = daemonIn(join(folder, 'scheduler'), 'scheduler.pid')
  third.child.kill('SIGINT')
  expect(await third.ended).toBe(0)
  expect(third.err()).toContain('the grid is down')
  expect(scheduler !== null && isRunning(scheduler)).toBe(false)
  expect(existsSync(join(folder, 'up.pid'))).toBe(false)
})

test('a daemon that cannot start at all is told with what it said', async () => {
  const first = up(0)
  const url = await readyUrl(first)
  const other = mkdtempSync(join(tmpdir(), 'eg-up-'))
  const taken = eg('up', '--data', other, '--port', new URL(url).port)
  expect(await taken.ended).toBe(1)
  expect(taken.err()).toMatch(/scheduler could not start \(exit 1\)/)
  expect(taken.err()).toContain('take another port with --port')
  const file = join(other, 'file')
  writeFileSync(file, '')
  const noFolder = eg('up', '--data', file, '--port', '0')
  expect(await noFolder.ended).toBe(1)
  expect(noFolder.err()).toContain(`eg: the data folder ${file} cannot be used: it is no folder\n`)
  // Where the file system takes no folders, Node's own way to make one never returns.
  for (const [daemon, ...flags] of [
    ['up', '--port', '0'],
    ['scheduler', '--port', '0'],
    ['exec-node', '--name', 'n', '--scheduler', url],
  ] as const) {
    const none = eg(daemon, '--data', '/proc/none/here', ...flags)
    expect(await none.ended, daemon).toBe(1)
    expect(none.err()).toMatch(/data folder \/proc\/none\/here.*: no folder can be made there/)
    expect(none.err()).toContain('--data')
  }
  const noGrid = eg('down', '--data', file)
  expect(await noGrid.ended).toBe(1)
  expect(noGrid.err()).toBe(`eg: the data folder ${file} cannot be read: it is no folder\n`)
  rmSync(other, { recursive: true, force: true })
  expect(await eg('down').ended).toBe(0)
  expect(await first.ended).toBe(0)
})

test('a folder is claimed by one, and a claim whose process is gone by the next', () => {
  expect(claim(folder, 'http://a')).toBeNull()
  expect(claim(folder, 'http://b')).toMatchObject({ pid: process.pid, url: 'http://a' })
  release(folder)
  expect(readUpFile(folder)).toBeNull()
  expect(claim(folder, 'http://c')).toBeNull()
  release(folder)
})

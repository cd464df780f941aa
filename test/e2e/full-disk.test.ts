/** The disk of the scheduler fills: changes are refused with the reason, reads and what makes room go on. */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, expect, test } from 'vitest'

import { isRoot } from '../support/as-user.ts'
import { childrenOf } from '../support/children.ts'
import { isAlive, TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid | null = null
let mounted: string | null = null

afterEach(async () => {
  if (mounted !== null) execFileSync('mount', ['-o', 'remount,rw', mounted])
  await grid?.end().catch(() => {})
  if (mounted !== null) execFileSync('umount', ['-l', mounted])
  if (grid !== null) rmSync(grid.folder, { recursive: true, force: true })
  grid = null
  mounted = null
})

/** A small disk of its own under the scheduler's database. */
async function onSmallDisk(): Promise<{ grid: TestGrid; disk: string }> {
  const started = await TestGrid.start({
    prepare(data) {
      const disk = join(data, 'scheduler')
      execFileSync('mkdir', ['-m', '700', disk])
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'tmpfs', disk])
      mounted = disk
    },
  })
  grid = started
  return { grid: started, disk: join(started.data, 'scheduler') }
}

function fill(path: string): void {
  const file = openSync(path, 'w')
  const block = Buffer.alloc(64 * 1024, 1)
  try {
    for (;;) writeSync(file, block)
  } catch {
    // Full now.
  } finally {
    closeSync(file)
  }
}

/** Refused while anybody may write there. */
function remountReadOnly(disk: string): boolean {
  return spawnSync('mount', ['-o', 'remount,ro', disk]).status === 0
}

/** As the kernel tells it: a pid file cannot be written either. */
const schedulerOf = ({ upPid }: TestGrid): number | undefined =>
  childrenOf(upPid).find(({ pid }) => isScheduler(pid))?.pid
const isScheduler = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('scheduler/main')

const ready = async (url: string) => (await fetch(`${url}/readyz`)).status

test.skipIf(!isRoot)(
  'a full disk takes stop and drain, and all again when there is room',
  async () => {
    const { grid, disk } = await onSmallDisk()
    const bot = await grid.submit('--continuous', '--name', 'bot', '--', 'sleep', '1000')
    const { pid } = await grid.running(bot)
    fill(join(disk, 'fill'))
    const spec = join(grid.work, 'big.sh')
    writeFileSync(spec, 'exit 0')
    const refused = await until(
      async () => {
        const big = `BIG=${'x'.repeat(120_000)}`
        const ended = await grid.eg('submit', '--quiet', '--hold', '--env', big, '--', 'true')
        return ended.status === 0 ? null : ended
      },
      { what: 'a submit that is refused', timeoutMs: 50_000 },
    )
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('disk') as string })
    expect(await ready(grid.url)).toBe(503)
    expect((await fetch(`${grid.url}/healthz`)).status).toBe(200)
    expect((await grid.eg('hold', 'bot')).status).toBe(1)
    expect((await grid.show(bot)).state).toBe('running')

    await grid.ok('stop', 'bot')
    await grid.finished(bot)
    expect(isAlive(pid)).toBe(false)
    await grid.ok('node', 'drain', 'node1', '--watch')

    rmSync(join(disk, 'fill'))
    await until(async () => (await ready(grid.url)) === 200, { what: 'room again' })
    await grid.ok('node', 'undrain', 'node1')
    expect((await grid.finished(await grid.submit('--', 'true'))).outcome).toBe('succeeded')
  },
  90_000,
)

test.skipIf(!isRoot)(
  'a store that cannot be written is served for reading, and its bots run on',
  async () => {
    const { grid, disk } = await onSmallDisk()
    const bot = await grid.submit('--continuous', '--name', 'bot', '--', 'sleep', '1000')
    const { pid } = await grid.running(bot)
    process.kill(grid.pidOf('scheduler'), 'SIGKILL')
    await until(() => remountReadOnly(disk), { what: 'the end of the scheduler' })
    const refused = await until(
      async () => {
        const ended = await grid.eg('submit', '--', 'true')
        return ended.stderr.includes('cannot be written') ? ended : null
      },
      { what: 'a refusal that says why' },
    )
    expect(refused.status).toBe(1)
    expect(await ready(grid.url)).toBe(503)
    expect((await grid.show(bot)).state).toBe('running')
    const reading = schedulerOf(grid)
    execFileSync('mount', ['-o', 'remount,rw', disk])
    // It tries again by itself.
    await until(async () => (await ready(grid.url).catch(() => 0)) === 200, {
      what: 'a store that is written again',
      timeoutMs: 40_000,
    })
    expect(schedulerOf(grid)).toBe(reading)
    expect((await grid.running(bot)).pid).toBe(pid)
  },
  90_000,
)

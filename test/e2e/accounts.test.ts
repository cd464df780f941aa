import { execFileSync } from 'node:child_process'
/** A grid that root runs, used by other accounts: who is believed, and what one may do to another's work. */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isRoot, spawnAs } from '../support/as-user.ts'
import { TestGrid } from '../support/grid.ts'

/** Accounts that every system has; with --allow-root-jobs their jobs are taken too. */
const [one, two] = [65_534, 1]

describe.skipIf(!isRoot)('a grid run by root', () => {
  let grid: TestGrid
  let job = 0
  const submit = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await grid.egOf(one, 'submit', '--quiet', ...args)
    expect({ status, stderr }).toMatchObject({ status: 0 })
    return stdout.trim()
  }

  beforeAll(async () => {
    grid = await TestGrid.start({ nodes: 1, slots: 8 })
  })
  afterAll(() => grid?.end())

  test('an account proves itself, and its job runs as it', async () => {
    job = Number(
      await submit('--name', 'mine', '--out', 'who', '--', 'sh', '-c', 'id -u; sleep 99'),
    )
    await grid.running(job)
    expect(grid.text('who')).toBe(`${one}\n`)
    expect((await grid.egOf(two, 'whoami')).stdout).toMatch(/^daemon \(user\)/)
  })

  test('another account sees that there is a job, and can do nothing to it', async () => {
    const shown = await grid.egOf(two, 'show', '--json', String(job))
    expect(JSON.parse(shown.stdout)).toMatchObject({ owner: 'nobody', spec: { env: {} } })
    for (const command of ['stop', 'hold', 'suspend', 'restart', 'logs']) {
      const refused = await grid.egOf(two, command, String(job))
      expect({ command, status: refused.status }).toEqual({ command, status: 4 })
      expect(refused.stderr).toContain('nobody')
    }
    expect((await grid.egOf(two, 'edit', '--priority', '1', String(job))).status).toBe(4)
    expect((await grid.egOf(two, 'node', 'cordon', 'node1')).status).toBe(4)
    expect((await grid.egOf(one, 'stop', '--all', '--yes')).status).toBe(0)
    await grid.finished(job)
  })

  test('nothing of an owner is opened as root', async () => {
    const secret = join(grid.folder, 'secret')
    writeFileSync(secret, 'root only\n', { mode: 0o600 })
    symlinkSync(secret, join(grid.work, 'link'))
    execFileSync('mkfifo', ['-m', '666', join(grid.work, 'fifo')])
    mkdirSync(join(grid.work, 'closed'))
    chmodSync(join(grid.work, 'closed'), 0o700)
    for (const [options, call, path] of [
      [['--out', 'link'], 'open', 'link'],
      [['--out', 'fifo'], 'open', 'fifo'],
      [['--out', '/root/out'], 'open', '/root/out'],
      [['--stdin', secret], 'open', secret],
      [['--cwd', join(grid.work, 'closed'), '--out', '/dev/null'], 'chdir', 'closed'],
    ] as const) {
      const over = await grid.finished(Number(await submit(...options, '--', 'echo', 'gotcha')))
      expect(over.outcome).toBe('failed')
      expect(over.tasks[0]).toMatchObject({
        runs: [{ cause: { kind: 'could-not-start', call, detail: expect.stringContaining(path) } }],
      })
    }
    expect(readFileSync(secret, 'utf8')).toBe('root only\n')
  })

  test('the environment of a job exists only as its owner', async () => {
    const seen = join(grid.work, 'loaded')
    const source = join(grid.work, 'evil.c')
    const library = join(grid.work, 'evil.so')
    writeFileSync(
      source,
      `#include <fcntl.h>\n#include <stdio.h>\n#include <unistd.h>\n__attribute__((constructor)) static void f(void) {\n` +
        `  dprintf(open("${seen}", O_CREAT | O_APPEND | O_WRONLY, 0666), "%d\\n", getuid());\n}\n`,
    )
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, source])
    const env = ['--env', `LD_PRELOAD=${library}`, '--env', `LD_LIBRARY_PATH=${grid.work}`]
    const over = await grid.finished(Number(await submit(...env, '--', 'true')))
    expect(over.outcome).toBe('succeeded')
    expect(new Set(readFileSync(seen, 'utf8').trim().split('\n'))).toEqual(new Set([String(one)]))
  })

  test('a token for a program opens what its scope says, until it is revoked', async () => {
    const made = await grid.egOf(one, 'token', 'create', '--scope', 'read-own', 'reader')
    const headers = { authorization: `Bearer ${made.stdout.trim()}` }
    const status = async (path: string, method = 'GET') =>
      (await fetch(grid.url + path, { method, headers })).status
    expect(await status('/v1/jobs')).toBe(200)
    expect(await status('/v1/jobs?all=true')).toBe(403)
    expect(await status('/v1/schedules/x', 'DELETE')).toBe(403)
    expect((await grid.egOf(two, 'token', 'revoke', '1')).status).toBe(4)
    expect((await grid.egOf(one, 'token', 'revoke', 'reader')).status).toBe(0)
    expect(await status('/v1/jobs')).toBe(401)
  })

  test('the node secret opens what exec-nodes call and nothing else', async () => {
    const secret = readFileSync(join(grid.data, 'scheduler', 'node-secret'), 'utf8').trim()
    const headers = { authorization: `Bearer ${secret}` }
    expect((await fetch(`${grid.url}/v1/jobs`, { headers })).status).toBe(403)
    expect((await fetch(`${grid.url}/v1/jobs`)).status).toBe(401)
    const report = await fetch(`${grid.url}/v1/node/report`, { method: 'POST' })
    expect(report.status).toBe(401)
  })
})

describe.skipIf(!isRoot)('without --allow-root-jobs', () => {
  let grid: TestGrid
  beforeAll(async () => {
    grid = await TestGrid.start({ allowRootJobs: false })
  })
  afterAll(() => grid?.end())

  test('jobs of root and of system accounts are refused with the way out', async () => {
    const root = await grid.eg('submit', '--', 'true')
    expect(root.status).toBe(4)
    expect(root.stderr).toContain('--allow-root-jobs')
    for (const uid of [one, two])
      expect((await grid.egOf(uid, 'submit', '--', 'true')).status).toBe(4)
    const person = await grid.egOf(one, 'submit', '--', 'true')
    expect(person.stderr).toContain('system account')
  })
})

test('anything but loopback is refused until told in words', async () => {
  const grid = await TestGrid.apart()
  const folder = join(grid.data, 'x')
  const open = await grid.eg('scheduler', '--data', folder, '--port', '0', '--host', '0.0.0.0')
  expect(open.status).not.toBe(0)
  expect(open.stderr).toContain('--insecure-network')
  await grid.end()
})

test.skipIf(!isRoot)(
  'a stranger on the port is told from the scheduler, and is sent nothing',
  async () => {
    const grid = await TestGrid.apart()
    const port = new URL(grid.url).port
    const heard = `process.stdout.write('up\\n'); `
    const program = `${heard}require('net').createServer((s) => s.on('data', (d) => process.stdout.write('heard ' + d))).listen(${port}, '127.0.0.1')`
    const stranger = spawnAs(one, [process.execPath, '-e', program])
    let text = ''
    stranger.stdout?.on('data', (part: Buffer) => (text += part.toString()))
    try {
      let asked = await grid.egOf(two, 'jobs')
      while (asked.stderr.includes('nothing listens')) asked = await grid.egOf(two, 'jobs')
      expect(asked.status).toBe(3)
      expect(asked.stderr).toContain('held by a process of user nobody')
      expect(text).not.toContain('heard')
    } finally {
      stranger.kill()
      await grid.end()
    }
  },
)

/** A grid of three hosts over TLS: join, orders, reports, logs, events, clients; strangers in the scheduler's place. */
import { execFile } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { Daemons } from '../support/daemons.ts'
import { egPath, isAlive, TestGrid, type Ended } from '../support/grid.ts'
import { canMakeHosts, Hosts } from '../support/hosts.ts'
import { until } from '../support/wait.ts'

const [scheduler, worker, desk] = ['10.187.3.1', '10.187.3.2', '10.187.3.3']
const someone = 65_534

describe.skipIf(!canMakeHosts)('on three hosts', () => {
  let grid: TestGrid
  let daemons: Daemons
  let hosts: Hosts
  let at: Record<string, string[]>
  let url: string
  let token = ''
  let home: string
  const place = () => ['--data', join(grid.data, 'scheduler'), '--port', new URL(url).port]
  const rules = ['--allow-root-jobs', '--host', '0.0.0.0', '--tls', '--tls-name', 'grid.example']

  beforeAll(async () => {
    hosts = new Hosts()
    at = {}
    for (const address of [scheduler, worker, desk]) at[address] = await hosts.add(address)
    grid = await TestGrid.apart()
    daemons = new Daemons(grid)
    url = `https://${scheduler}:${new URL(grid.url).port}`
    grid.url = url
    home = join(grid.folder, 'home')
    mkdirSync(home)
    chownSync(home, someone, someone)
    await daemons.start(['scheduler', ...place(), ...rules], at[scheduler])
  })
  afterAll(async () => {
    await eg(scheduler, 'stop', '--all', '--owner', '*', '--yes')
    await daemons?.endDaemons()
    await hosts?.end()
    await grid?.end()
  })

  const call = (under: string[], env: Record<string, string | undefined>, args: string[]) =>
    new Promise<Ended>((resolve) => {
      const [program = '', ...rest] = [...under, egPath, ...args]
      execFile(
        program,
        rest,
        { env: { ...grid.env, ...env }, cwd: grid.work },
        (error, stdout, stderr) =>
          resolve({
            status: typeof error?.code === 'number' ? error.code : error ? 255 : 0,
            stdout,
            stderr,
          }),
      )
    })
  const eg = (host: string, ...args: string[]) => call(at[host] ?? [], {}, args)
  /** Somebody without rights at a desk, who has a token. */
  const deskEg = (...args: string[]) =>
    call(
      [
        ...(at[desk] ?? []),
        'setpriv',
        `--reuid=${someone}`,
        `--regid=${someone}`,
        '--clear-groups',
        '--',
      ],
      {
        HOME: home,
        XDG_CONFIG_HOME: undefined,
        EVERGRID_DATA: join(home, 'none'),
        EVERGRID_TOKEN: token,
      },
      args,
    )
  const fingerprint = async () => {
    const { authorities } = JSON.parse((await eg(scheduler, 'tls', 'show', '--json')).stdout) as {
      authorities: { fingerprint: string }[]
    }
    return authorities[0]?.fingerprint ?? ''
  }
  const nodeArgs = (name: string, ...more: string[]) => [
    'exec-node',
    '--scheduler',
    url,
    '--name',
    name,
    '--data',
    join(grid.folder, name),
    '--slots',
    '2',
    '--mem',
    '2G',
    ...more,
  ]
  const env = { EVERGRID_DATA: undefined }

  test('a node joins at exactly the authority that its token names, and takes no other', async () => {
    const said = await eg(scheduler, 'node', 'token')
    expect(said.stdout).toMatch(
      new RegExp(`^egj\\.\\d+\\.[0-9a-f]{64}\\.${await fingerprint()}\n$`),
    )
    const file = join(grid.folder, 'token')
    writeFileSync(
      file,
      said.stdout.replace(/[0-9a-f]\n$/, (end) => (end === '0\n' ? '1\n' : '0\n')),
      { mode: 0o600 },
    )
    const wrong = await call(at[worker] ?? [], env, nodeArgs('far', '--join', file))
    expect(wrong).toMatchObject({ status: 1 })
    expect(wrong.stderr).toContain('does not show the authority with fingerprint')
    writeFileSync(file, said.stdout)
    const plain = nodeArgs('far', '--join', file).map((arg) => arg.replace(/^https:/, 'http:'))
    expect((await call(at[worker] ?? [], env, [...plain, '--insecure-network'])).stderr).toContain(
      'write https:// in place of http://',
    )
    await daemons.start(nodeArgs('far', '--join', file), at[worker])
    const kept = join(grid.folder, 'far/authority.pem')
    expect(readFileSync(kept, 'utf8')).toContain('BEGIN CERTIFICATE')
    const isUp = async () => /far +up/.test((await eg(scheduler, 'nodes')).stdout)
    await until(isUp, { what: 'the node is up' })
  })

  test('a client is told what to trust, and believes nobody before', async () => {
    token = (
      await eg(scheduler, 'token', 'create', '--scope', 'operate', '--scope', 'manage-own', 'desk')
    ).stdout.trim()
    const first = await deskEg('jobs')
    expect(first).toMatchObject({ status: 3 })
    expect(first.stderr).toContain('eg tls trust FINGERPRINT')
    const real = await fingerprint()
    const other = (real.startsWith('0') ? '1' : '0') + real.slice(1)
    expect((await deskEg('tls', 'trust', other)).status).not.toBe(0)
    const trusted = await deskEg('tls', 'trust', real)
    expect(trusted.stdout).toContain(join(home, '.config/evergrid/authorities'))
    const shown = await deskEg('tls', 'show', '--json')
    expect(JSON.parse(shown.stdout)).toMatchObject({
      authorities: [{ fingerprint: real }],
      shown: { names: expect.arrayContaining([scheduler, 'grid.example']) },
    })
  })

  test('jobs, logs and events go over it, and a job of the node finds its grid', async () => {
    const submitted = await deskEg(
      'submit',
      '--quiet',
      '--cwd',
      grid.work,
      '--out',
      'said',
      '--',
      'sh',
      '-c',
      `echo from $(hostname -I || true); "${egPath}" tls show --json; sleep 300`,
    )
    const job = submitted.stdout.trim()
    expect(submitted).toMatchObject({ status: 0 })
    const logs = () => deskEg('logs', job)
    await until(async () => (await logs()).stdout.includes('"shown"'), { what: 'its output' })
    const { stdout } = await logs()
    expect(JSON.parse(stdout.slice(stdout.indexOf('{')))).toMatchObject({
      from: expect.stringContaining('/run/evergrid/authorities'),
      shown: { goodUntil: expect.any(String) },
    })
    expect((await deskEg('events', '--job', job)).stdout).toContain('run-started')
    expect((await deskEg('stop', '--yes', job)).status).toBe(0)
  })

  test('a stranger with another authority in its place is believed by nobody; the bot outlives it, and the real one goes on', async () => {
    const bot = (
      await eg(
        scheduler,
        'submit',
        '--quiet',
        '--continuous',
        '--cwd',
        '/',
        '--name',
        'bot',
        '--',
        'sleep',
        '1000',
      )
    ).stdout.trim()
    const run = () => eg(scheduler, 'show', '--json', bot)
    const pid = await until(async () => {
      const [task] = (
        JSON.parse((await run()).stdout) as { tasks: { state: string; runs: { pid: number }[] }[] }
      ).tasks
      return task?.state === 'running' ? task.runs.at(-1)?.pid : null
    })
    const old = daemons.schedulerPid
    process.kill(old)
    await until(() => !isAlive(old), { what: 'the end of the scheduler' })
    const strange = join(grid.folder, 'strange')
    await daemons.start(
      ['scheduler', '--data', strange, '--port', new URL(url).port, ...rules],
      at[scheduler],
    )
    await until(() => daemons.log.includes('another authority than the one that is trusted'), {
      what: "the agent's word",
    })
    const asked = await deskEg('jobs')
    expect(asked).toMatchObject({ status: 3 })
    expect(asked.stderr).toContain('somebody stands between')
    expect(isAlive(pid)).toBe(true)
    const stranger = Number(readFileSync(join(strange, 'scheduler.pid'), 'utf8'))
    process.kill(stranger)
    await until(() => !isAlive(stranger), { what: 'the end of the stranger' })
    await daemons.start(['scheduler', ...place(), ...rules], at[scheduler])
    await until(async () => (await deskEg('jobs')).stdout.includes('bot'), { what: 'the real one' })
    const next = await deskEg('submit', '--wait', '--cwd', '/', '--out', '/dev/null', '--', 'true')
    expect(next).toMatchObject({ status: 0 })
    expect(isAlive(pid)).toBe(true)
  }, 240_000)
})

test('eg up --tls: commands find scheduler and authority by themselves, and plain HTTP is told what to write', async () => {
  const grid = await TestGrid.start({ args: ['--tls'] })
  try {
    expect(grid.url).toMatch(/^https:/)
    const job = await grid.submit('--', 'true')
    expect(await grid.finished(job)).toMatchObject({ outcome: 'succeeded' })
    expect(statSync(join(grid.data, 'scheduler/authority-key.pem')).mode & 0o777).toBe(0o600)
    const plain = await grid.egAs({ EVERGRID_URL: grid.url.replace('https:', 'http:') }, 'jobs')
    expect(plain.status).not.toBe(0)
    expect(plain.stderr).toContain('speaks TLS')
    const shown = await grid.eg('tls', 'show')
    expect(shown.stdout).toContain('authority:')
  } finally {
    await grid.end()
  }
})

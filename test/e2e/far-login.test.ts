/** People at a desk that is not the scheduler's machine: known by MUNGE, else by their shared home, without a word. */
import { execFile } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { Daemons } from '../support/daemons.ts'
import { egPath, isAlive, TestGrid, type Ended } from '../support/grid.ts'
import { canMakeHosts, Hosts } from '../support/hosts.ts'
import { aKey, Munged, noMunge } from '../support/munged.ts'
import { until } from '../support/wait.ts'

const [head, desk] = ['10.187.4.1', '10.187.4.2']
const people = { vera: 70_001, walt: 70_002 }
type Person = keyof typeof people

describe.skipIf(!canMakeHosts)('at another desk', () => {
  let grid: TestGrid
  let daemons: Daemons
  let hosts: Hosts
  let at: Record<string, string[]>
  let url: string
  let fingerprint = ''
  /** Of the scheduler's machine and of the desk: two daemons with one key. */
  let munged: Munged[] = []
  const homeOf = (person: Person) => join(grid.folder, 'homes', person)
  const start = (data: string, ...more: string[]) =>
    daemons.start(
      [
        'scheduler',
        '--data',
        join(grid.data, data),
        '--port',
        new URL(url).port,
        ...['--allow-root-jobs', '--host', '0.0.0.0', '--tls', '--shared-homes', ...more],
      ],
      at[head],
    )
  const mungeAtHead = () => (munged[0] ? ['--munge-socket', munged[0].socket] : [])

  beforeAll(async () => {
    hosts = new Hosts()
    at = {}
    grid = await TestGrid.apart()
    mkdirSync(join(grid.folder, 'homes'))
    for (const path of [grid.folder, join(grid.folder, 'homes')]) chmodSync(path, 0o755)
    const passwd = join(grid.folder, 'passwd')
    const lines = (Object.keys(people) as Person[]).map((person) => {
      mkdirSync(homeOf(person), { mode: 0o755 })
      chownSync(homeOf(person), people[person], people[person])
      return `${person}:x:${people[person]}:${people[person]}::${homeOf(person)}:/bin/sh\n`
    })
    writeFileSync(passwd, readFileSync('/etc/passwd', 'utf8') + lines.join(''))
    for (const address of [head, desk]) at[address] = await hosts.add(address, passwd)
    daemons = new Daemons(grid)
    url = `https://${head}:${new URL(grid.url).port}`
    grid.url = url
    const key = aKey()
    if (noMunge === null) munged = [await Munged.start(key), await Munged.start(key)]
    await start('scheduler', ...mungeAtHead())
    const { stdout } = await run(at[head] ?? [], {}, ['tls', 'show', '--json'])
    const [found] = (JSON.parse(stdout) as { authorities: { fingerprint: string }[] }).authorities
    fingerprint = found?.fingerprint ?? ''
  })
  afterAll(async () => {
    await daemons?.endDaemons()
    for (const one of munged) await one.end()
    await hosts?.end()
    await grid?.end()
  })

  const run = (under: string[], env: Record<string, string | undefined>, args: string[]) =>
    new Promise<Ended>((resolve) => {
      const [program = '', ...rest] = [...under, egPath, ...args]
      const options = { env: { ...grid.env, ...env }, cwd: '/' }
      execFile(program, rest, options, (error, stdout, stderr) =>
        resolve({
          status: typeof error?.code === 'number' ? error.code : error ? 255 : 0,
          stdout,
          stderr,
        }),
      )
    })
  const withSocket = (person: Person, socket: string, ...args: string[]) => {
    const uid = people[person]
    const as = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--']
    const home = homeOf(person)
    const env = {
      HOME: home,
      XDG_CACHE_HOME: undefined,
      XDG_CONFIG_HOME: undefined,
      XDG_STATE_HOME: undefined,
      EVERGRID_DATA: join(home, 'none'),
      EVERGRID_MUNGE_SOCKET: socket,
    }
    return run([...(at[desk] ?? []), ...as], env, args)
  }
  const eg = (person: Person, ...args: string[]) =>
    withSocket(person, munged[1]?.socket ?? '/nonexistent', ...args)
  const cache = (person: Person) => join(homeOf(person), '.cache/evergrid')
  const forget = (person: Person) => rmSync(cache(person), { recursive: true, force: true })
  const logins = () => daemons.log.match(/"event":"logged-in".*?"detail":"\w+"/g) ?? []

  test('each is told once whom to trust', async () => {
    for (const person of Object.keys(people) as Person[])
      expect(await eg(person, 'tls', 'trust', fingerprint)).toMatchObject({ status: 0 })
  })

  test('MUNGE makes her known; the token is hers alone, serves on, and is renewed without a word', async (context) => {
    context.skip(noMunge !== null, noMunge ?? '')
    const before = logins().length
    expect(await eg('vera', 'whoami')).toMatchObject({ status: 0, stderr: '' })
    expect(logins().at(-1)).toContain('"munge"')
    const [name = ''] = readdirSync(cache('vera'))
    const token = join(cache('vera'), name)
    expect(statSync(token)).toMatchObject({ uid: people.vera })
    expect(statSync(token).mode & 0o7777).toBe(0o600)
    expect((await eg('vera', 'whoami')).stdout).toMatch(/^vera \(user\)/)
    expect(logins().length).toBe(before + 1)
    // As one that the scheduler has forgotten, or that is over.
    writeFileSync(token, readFileSync(token, 'utf8').replace(/"token":"[^"]*"/, '"token":"gone"'))
    expect(await eg('vera', 'whoami')).toMatchObject({ status: 0, stderr: '' })
    expect(logins().length).toBe(before + 2)
    expect(existsSync(join(homeOf('vera'), '.evergrid-proof'))).toBe(false)
  })

  test('without MUNGE at the desk her home does, and nothing is left there', async () => {
    forget('vera')
    const known = await withSocket('vera', '/nonexistent', 'whoami')
    expect(known).toMatchObject({ status: 0, stderr: '' })
    expect(known.stdout).toMatch(/^vera \(user\)/)
    expect(logins().at(-1)).toContain('"home"')
    const folder = join(homeOf('vera'), '.evergrid-proof')
    expect(statSync(folder).mode & 0o7777).toBe(0o700)
    expect(readdirSync(folder)).toEqual([])
  })

  test('who cannot be known is told of every way why, and what to do', async () => {
    chmodSync(homeOf('walt'), 0o775)
    const refused = await withSocket('walt', '/nonexistent', 'whoami')
    expect(refused.status).toBe(4)
    expect(refused.stderr).toContain("that is on the scheduler's machine alone")
    if (noMunge === null)
      expect(refused.stderr).toContain('munged cannot be reached at /nonexistent')
    expect(refused.stderr).toContain('can be written by others: chmod go-w')
    expect(refused.stderr).toContain('EVERGRID_TOKEN')
    chmodSync(homeOf('walt'), 0o755)
    expect((await withSocket('walt', '/nonexistent', 'whoami')).status).toBe(0)
  })

  test('a stranger on the scheduler’s port learns nothing and is shown nothing', async () => {
    forget('vera')
    const old = daemons.schedulerPid
    process.kill(old)
    await until(() => !isAlive(old), { what: 'the end of the scheduler' })
    await start('strange', ...mungeAtHead())
    const before = logins().length
    for (const socket of [munged[1]?.socket ?? '/nonexistent', '/nonexistent']) {
      const asked = await withSocket('vera', socket, 'whoami')
      expect(asked).toMatchObject({ status: 3 })
      expect(asked.stderr).toContain('Nothing was sent')
    }
    expect(logins().length).toBe(before)
    expect(existsSync(cache('vera'))).toBe(false)
  })
})

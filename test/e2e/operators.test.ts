/**
 * Operators who are not root: members of the unix group, on a grid that root runs. The group file of this machine
 * stays as it is: the scheduler sees one of the test's own, in a mount namespace.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { operatorsGroup } from '../../scheduler/core/identity/who-could.ts'
import { isRoot } from '../support/as-user.ts'
import { Daemons } from '../support/daemons.ts'
import { TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

/** Accounts that every system has: one owns jobs, one is an operator, one is neither. */
const [owner, member, other] = [65_534, 1, 2]
const mountable = isRoot && spawnSync('unshare', ['--mount', 'true']).status === 0

describe.skipIf(!mountable)('the operators of a grid that root runs', () => {
  let grid: TestGrid
  let daemons: Daemons
  let job = 0

  /** Written in place: the mount shows the file, not its path. */
  const members = (names: string) => {
    const groups = readFileSync('/etc/group', 'utf8').split('\n')
    const own = groups.filter((line) => !line.startsWith(`${operatorsGroup}:`))
    writeFileSync(
      join(grid.folder, 'group'),
      [`${operatorsGroup}:x:64999:${names}`, ...own].join('\n'),
    )
  }

  beforeAll(async () => {
    grid = await TestGrid.apart()
    members('daemon')
    daemons = new Daemons(grid)
    const mount = `mount --bind ${join(grid.folder, 'group')} /etc/group && exec "$@"`
    await daemons.scheduler(['unshare', '--mount', 'sh', '-c', mount, 'sh'])
    await Promise.all([daemons.node('n1'), daemons.node('n2')])
    await daemons.up(2)
    const bot = ['submit', '--quiet', '--continuous', '--name', 'bot', '--', 'sleep', '1000']
    job = Number((await grid.egOf(owner, ...bot)).stdout)
  })
  afterAll(async () => {
    await daemons?.end()
    await grid?.end()
  })

  test('are its members, and root; whoami says so', async () => {
    expect((await grid.egOf(member, 'whoami')).stdout).toMatch(/^daemon \(operator\)/)
    expect((await grid.egOf(other, 'whoami')).stdout).toMatch(/^bin \(user\)/)
    expect(await grid.ok('whoami')).toMatch(/^root \(manager\)/)
  })

  test('anybody else may do nothing to nodes and to the work of others, and is told who could', async () => {
    const { node } = await grid.running(job)
    const changes = [
      ['node', 'drain', node],
      ['node', 'cordon', node],
      ['stop', String(job)],
      ['stop', '--all', '--owner', 'nobody', '--yes'],
      ['hold', '--name', 'b*', '--owner', '*', '--yes'],
      ['logs', String(job)],
      ['submit', '--priority', '1', '--', 'true'],
      ['schedule', 'add', 's', '@daily', '--priority', '1', '--', 'true'],
      ['edit', '--mem', '64M', String(job)],
      ['submit', '--owner', 'nobody', '--', 'true'],
      ['quota', 'set', '--owner', 'nobody', 'jobs=1', '--for', '1h'],
      ['queue', 'add', 'fast'],
      ['queue', 'close', 'task'],
    ]
    for (const change of changes) {
      const refused = await grid.egOf(other, ...change)
      expect({ change, status: refused.status }).toEqual({ change, status: 4 })
      expect(refused.stderr).toContain(`members of the unix group ${operatorsGroup}`)
    }
    expect((await grid.node(node)).drain).toBeNull()
    expect((await grid.running(job)).node).toBe(node)
  })

  test('a member drains a node, and what moved and who did it is to be read', async () => {
    const { node, number } = await grid.running(job)
    const drained = await grid.egOf(member, 'node', 'drain', node, '--reason', 'dust', '--watch')
    expect(drained).toMatchObject({ status: 0, stderr: '' })
    expect(drained.stdout).toContain(`${node} is drained`)
    expect((await grid.running(job, number)).node).not.toBe(node)
    expect((await grid.node(node)).drain).toMatchObject({ by: 'daemon', reason: 'dust' })
    expect((await grid.egOf(member, 'node', 'undrain', node)).status).toBe(0)
  })

  test('an owner lowers a priority; only operators raise one, and what they gave may stay', async () => {
    const edit = (uid: number, ...words: string[]) => grid.egOf(uid, 'edit', ...words, String(job))
    expect((await edit(owner, '--priority', '-5')).status).toBe(0)
    expect((await edit(owner, '--priority', '0')).status).toBe(0)
    expect((await edit(owner, '--priority', '3')).stderr).toContain(operatorsGroup)
    expect((await edit(member, '--priority', '3')).status).toBe(0)
    expect((await edit(owner, '--mem', '128M')).status).toBe(0)
    expect(await grid.show(job)).toMatchObject({ priority: 3, spec: { memBytes: 2 ** 27 } })
  })

  test('a member limits one owner for a time, who sees it, is refused with it, and is free again', async () => {
    const quota = (...words: string[]) => grid.egOf(member, 'quota', 'set', ...words)
    expect((await quota('--owner', 'nobody', 'jobs=1')).status).toBe(4)
    const set = ['--owner', 'nobody', 'jobs=1', '--for', '1h', '--why', 'too many']
    expect(await quota(...set)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/owner:nobody +jobs +1 .*daemon +too many/),
    })
    const refused = await grid.egOf(owner, 'submit', '--', 'true')
    expect(refused).toMatchObject({ status: 1, stdout: '' })
    expect(refused.stderr).toContain('the limit of nobody is 1 (owner:nobody)')
    const shown = (await grid.egOf(owner, 'quota')).stdout
    expect(shown).toMatch(/^jobs +1 +1 +owner:nobody +20/m)
    expect(shown).toMatch(/^ *\d+ +bot +1 /m)
    expect((await grid.egOf(other, 'shares')).stdout).toMatch(/^nobody +1 /m)
    expect((await grid.egOf(other, 'quota', 'list')).stdout).toContain('too many')
    expect((await quota('--owner', 'nobody', 'jobs=usual', '--for', '1h')).status).toBe(0)
    expect((await grid.egOf(owner, 'submit', '--', 'true')).status).toBe(0)
  })

  test('a member adds a queue with nodes of its own, closes, opens and removes it', async () => {
    const queue = (...words: string[]) => grid.egOf(member, 'queue', ...words)
    const limits = ['--priority', '5', '--user', 'nobody', '--time', '1m', '--slots', '1']
    const added = await queue('add', 'fast', '--kind', 'task', '--node', 'n2', ...limits)
    expect(added).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/nodes: +n2 \(1 now\)/),
    })
    const submit = ['submit', '--quiet', '--queue', 'fast', '--']
    const foreign = await grid.egOf(other, ...submit, 'true')
    expect(foreign).toMatchObject({ status: 4, stderr: expect.stringContaining('for nobody') })
    expect((await queue('close', 'fast', '--reason', 'dust')).stdout).toMatch(/closed by: +daemon/)
    const waits = Number((await grid.egOf(owner, ...submit, 'true')).stdout)
    const explained = await grid.egOf(owner, 'explain', String(waits))
    expect(explained.stdout).toContain('queue "fast" was closed by daemon: dust')
    expect((await grid.egOf(other, 'queue', 'list')).stdout).toMatch(/^fast +closed +5 +task +1 /m)
    expect((await queue('remove', 'fast')).stderr).toContain('1 live jobs')
    expect((await queue('open', 'fast')).status).toBe(0)
    expect(await grid.finished(waits)).toMatchObject({ outcome: 'succeeded', node: 'n2' })
    expect((await queue('edit', 'fast', '--node', 'any', '--user', 'any')).stdout).toMatch(
      /nodes: +any \(2 now\)/,
    )
    expect((await queue('remove', 'fast')).stdout).toBe('queue fast removed\n')
  })

  test("a member stops somebody else's job, and submits for others, which run as these", async () => {
    const stop = ['stop', '--owner', 'nobody', '--why', 'too loud', 'bot']
    expect((await grid.egOf(member, ...stop)).status).toBe(0)
    expect(await grid.finished(job)).toMatchObject({
      outcome: 'cancelled',
      cause: { kind: 'cancelled', by: 'daemon', why: 'too loud' },
    })
    const command = ['--quiet', '--owner', 'nobody', '--out', 'whose', '--', 'id', '-u']
    const submitted = await grid.egOf(member, 'submit', ...command)
    await grid.finished(Number(submitted.stdout))
    expect(grid.text('whose')).toBe(`${owner}\n`)
  })

  test('root makes operators and managers by name, who lose it as fast; the log tells all of it', async () => {
    expect((await grid.egOf(other, 'role', 'grant', 'operator', 'bin')).stderr).toContain(
      'managers (root)',
    )
    expect((await grid.eg('role', 'grant', 'operator', 'no-such-account')).status).toBe(5)
    await grid.ok('role', 'grant', 'manager', 'bin')
    expect((await grid.egOf(other, 'whoami')).stdout).toMatch(/^bin \(manager\)/)
    expect((await grid.egOf(owner, 'node', 'cordon', 'n1')).stderr).toContain('(root, bin, and')
    expect((await grid.egOf(other, 'role', 'grant', 'operator', 'nobody')).status).toBe(0)
    expect((await grid.egOf(owner, 'node', 'cordon', 'n1', '--reason', 'mine')).status).toBe(0)
    expect((await grid.egOf(owner, 'node', 'uncordon', 'n1')).status).toBe(0)
    for (const name of ['nobody', 'bin']) await grid.ok('role', 'revoke', name)
    expect((await grid.egOf(other, 'role', 'revoke', 'daemon')).status).toBe(4)
    const told = JSON.parse(await grid.ok('audit', '--node', 'n1', '--by', 'nobody', '--json'))
    expect(told).toMatchObject([
      { what: 'node uncordon', by: 'nobody', rights: 'operator', from: '127.0.0.1' },
      { what: 'node cordon', after: { cordoned: 'by an operator', reason: 'mine' } },
    ])
    const roles = JSON.parse(await grid.ok('audit', '--owner', 'bin', '--json'))
    expect(roles).toMatchObject([
      { what: 'role revoke', before: { role: 'manager' }, after: { role: null } },
      { what: 'role grant', by: 'root', before: { role: null }, after: { role: 'manager' } },
    ])
  })

  test('members of a group that an owner shares with keep its jobs with it', async () => {
    const bot = ['submit', '--quiet', '--continuous', '--name', 'kept', '--', 'sleep', '1000']
    const kept = (await grid.egOf(owner, ...bot)).stdout.trim()
    await grid.running(Number(kept))
    expect((await grid.egOf(other, 'restart', kept)).stderr).toContain('eg share add GROUP')
    expect((await grid.egOf(owner, 'share', 'add', 'no-such-group')).status).toBe(5)
    // The main group of the account "bin".
    expect((await grid.egOf(owner, 'share', 'add', '--job', 'kept', 'bin')).status).toBe(0)
    expect((await grid.egOf(other, 'restart', '--owner', 'nobody', 'kept')).status).toBe(0)
    expect((await grid.egOf(other, 'logs', kept)).status).toBe(0)
    expect((await grid.egOf(other, 'hold', kept)).status).toBe(4)
    expect((await grid.egOf(other, 'share', 'list')).stdout).toContain(`job ${kept}`)
    expect((await grid.egOf(owner, 'share', 'remove', '--job', kept, 'bin')).status).toBe(0)
    expect((await grid.egOf(other, 'stop', kept)).status).toBe(4)
    expect((await grid.egOf(owner, 'stop', kept)).status).toBe(0)
  })

  test('who leaves the group is none any more, with the token of before', async () => {
    members('bin')
    await until(async () => (await grid.egOf(member, 'node', 'cordon', 'n1')).status === 4, {
      what: 'the end of the rights',
    })
    expect((await grid.egOf(other, 'node', 'cordon', 'n1')).status).toBe(0)
    expect((await grid.egOf(other, 'node', 'uncordon', 'n1')).status).toBe(0)
  })
})

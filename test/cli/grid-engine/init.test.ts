/** The tree under $SGE_ROOT: what a shell finds there, and whose it may not be. */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { eg } from '../../support/eg.ts'
import { GridEngineWorld } from '../../support/grid-engine.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evergrid-sge-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('settings.sh leads to the grid and to the commands, also from a folder with odd signs', async () => {
  const root = join(folder, "it's a root")
  const made = await eg(['grid-engine', 'init', root], { url: 'http://127.0.0.1:7001' })
  expect(made).toMatchObject({ status: 0, err: '' })
  const script =
    '. "$0"; echo "$SGE_ROOT|$SGE_CELL|$EVERGRID_URL|$SGE_QMASTER_PORT"; command -v qsub'
  const settings = join(root, 'default/common/settings.sh')
  const out = execFileSync('sh', ['-c', script, settings], { encoding: 'utf8' })
  const arch = process.arch === 'arm64' ? 'lx-arm64' : 'lx-amd64'
  expect(out).toBe(`${root}|default|http://127.0.0.1:7001|7001\n${root}/bin/${arch}/qsub\n`)
  expect(readFileSync(join(root, 'default/common/act_qmaster'), 'utf8')).toBe('127.0.0.1\n')
  expect((await eg(['grid-engine', 'init', root])).status).toBe(0)
})

test('a folder that cannot be made is told', async () => {
  const made = await eg(['grid-engine', 'init', '/proc/none'])
  expect(made.status).toBe(1)
  expect(made.err).toContain(
    'cannot make the folder /proc/none/default/common: no folder can be made there\n',
  )
  expect(made.err).toContain('take another DIR')
})

test('parallel environments that scripts ask for are known where SGE_ROOT is set', async () => {
  expect(
    (await eg(['grid-engine', 'init', '--pe', 'threaded', '--pe', 'orte', folder])).status,
  ).toBe(0)
  const world = await GridEngineWorld.open()
  const job = ['qsub', '-pe', 'threaded', '3', '-b', 'y', 'true']
  expect((await world.run('alice', job)).stderr).toContain('"threaded" does not exist')
  world.env['SGE_ROOT'] = folder
  expect((await world.run('alice', job)).stdout).toContain('has been submitted')
  expect((await world.grid.show(1)).slots).toBe(3)
  expect((await world.run('alice', ['qconf', '-spl'])).stdout).toBe(
    'make\nmpi\norte\nsmp\nthreaded\n',
  )
  expect((await world.run('alice', ['qconf', '-sp', 'orte'])).stdout).toContain('$pe_slots')
})

test('made again, its commands are where they are now, and what is no link stays', async () => {
  const bin = join(folder, 'bin', process.arch === 'arm64' ? 'lx-arm64' : 'lx-amd64')
  mkdirSync(bin, { recursive: true })
  symlinkSync('/nowhere/qsub', join(bin, 'qsub'))
  symlinkSync('/bin/true', join(bin, 'qstat'))
  writeFileSync(join(bin, 'qdel'), 'own\n')
  expect((await eg(['grid-engine', 'init', folder])).status).toBe(0)
  expect(readlinkSync(join(bin, 'qsub'))).toMatch(/\/dist\/bin\/qsub$/)
  expect(readlinkSync(join(bin, 'qstat'))).toMatch(/\/dist\/bin\/qstat$/)
  expect(readFileSync(join(bin, 'qdel'), 'utf8')).toBe('own\n')
})

test('what is no URL is told before anything is made', async () => {
  const refused = await eg(['grid-engine', 'init', '--url', 'nowhere', join(folder, 'new')])
  expect(refused).toMatchObject({ status: 2, err: expect.stringContaining('"nowhere" is not') })
  expect(existsSync(join(folder, 'new'))).toBe(false)
})

test('the tree of a real Grid Engine is left alone', async () => {
  mkdirSync(join(folder, 'default/common'), { recursive: true })
  writeFileSync(join(folder, 'default/common/bootstrap'), 'admin_user sgeadmin\n')
  const refused = await eg(['grid-engine', 'init', folder])
  expect(refused.status).toBe(1)
  expect(refused.err).toContain('is of another Grid Engine')
  expect((await eg(['grid-engine', 'init', '--cell', 'new', folder])).status).toBe(0)
})

/** What bigbrother watched: each jstart line is a continuous job, and what is none is told with its line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, expect, test } from 'vitest'

import { readBigbrotherrc } from '../../../src/cli/tool-labs/bigbrotherrc.ts'
import { eg } from '../../support/eg.ts'
import { fakeApi, ownDataFolder } from '../../support/fake-api.ts'
import { jobDetail, jobSummary } from '../../support/samples.ts'

const home = mkdtempSync(join(tmpdir(), 'bigbrother-'))
writeFileSync(join(home, 'bot'), '#!/bin/sh\n', { mode: 0o755 })
afterAll(() => rmSync(home, { recursive: true }))
const place = { user: 'ada', home, shell: '/bin/bash', host: 'h', now: 0, uid: 60_000 }
const read = (text: string) => readBigbrotherrc(text, '.bigbrotherrc', place)

test('jstart lines are continuous jobs; web services and comments are passed over', () => {
  const file = read(
    `# mine\n\njstart -N one -mem 1g ${home}/bot 'a  b'\nwebservice2 lighttpd start\n/usr/bin/jstart $HOME/bot\n`,
  )
  if (!file.ok) throw new Error(file.problems.join())
  expect(file.notes).toEqual([
    '.bigbrotherrc:4: web services are not watched here; the line is passed over',
  ])
  expect(file.wanted).toMatchObject([
    {
      kind: 'continuous',
      name: 'one',
      job: {
        kind: 'continuous',
        command: [`${home}/bot`, 'a  b'],
        memBytes: 2 ** 30,
        restart: 'on-failure',
        cwd: home,
        out: `${home}/one.out`,
      },
    },
    { kind: 'continuous', name: 'bot' },
  ])
})

test('all that is wrong is told, with its line', () => {
  const file = read(
    `jsub ${home}/bot\njstart no-such\njstart ${home}/bot | tee x\njstart ${home}/bot\njstart -N bot ${home}/bot`,
  )
  expect(file).toEqual({
    ok: false,
    problems: [
      '.bigbrotherrc:1: command not supported',
      ".bigbrotherrc:2: jstart: argument program: Program 'no-such' not found.",
      '.bigbrotherrc:3: command not supported',
      '.bigbrotherrc:5: the name "bot" is there twice',
    ],
  })
})

test('eg import bigbrotherrc creates what does not live, and leaves alone what is so already', async () => {
  const data = ownDataFolder()
  const file = read(`jstart ${home}/bot`)
  const spec = file.ok ? file.wanted[0]?.job : undefined
  const live: object[] = []
  const api = await fakeApi({
    listJobs: () => ({ jobs: live, next: null }),
    listSchedules: () => ({ schedules: [] }),
    showCrontab: () => ({ text: '', names: [] }),
    showJob: () => ({ ...jobDetail(), spec }),
    submitJob: () => ({ job: 17, name: 'bot', tasks: 1, warnings: [] }),
  })
  try {
    writeFileSync(join(home, '.bigbrotherrc'), `jstart ${home}/bot\n`)
    const world = { url: api.url, cwd: home, env: { HOME: home } }
    expect((await eg(['import', 'bigbrotherrc', '--dry-run'], world)).out).toBe(
      'bot: would be created\n',
    )
    expect((await eg(['import', 'bigbrotherrc'], world)).out).toBe('bot: created (job 17)\n')
    const sent = api.heard.findLast(({ name }) => name === 'submitJob')?.body
    expect(sent).not.toHaveProperty('once')
    live.push(jobSummary({ name: 'bot' }))
    Object.assign(spec as object, sent)
    expect((await eg(['import', 'bigbrotherrc'], world)).out).toBe('bot: already up to date\n')
    const none = await eg(['import', 'bigbrotherrc', 'none'], world)
    expect(none).toMatchObject({ status: 1 })
    expect(none.err).toContain('ENOENT')
  } finally {
    await api.close()
    data.remove()
  }
})

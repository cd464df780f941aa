/** Replays recordings of the real Grid Engine against our commands: what is the same, and what differs on purpose. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import type { GridEngineWorld, Said } from '../support/grid-engine.ts'
import { compatibilityText } from './compatibility.ts'
import { recorded, type Recorded } from './recording.ts'
import { situations } from './situations.ts'
import { verdicts } from './verdicts.ts'

let work: string
beforeAll(() => {
  process.env['TZ'] = 'UTC'
  work = mkdtempSync(join(tmpdir(), 'evergrid-golden-'))
  const files = {
    'job.sh':
      '#!/bin/bash\n#$ -N scripted\n#$ -j y\n#$ -o $HOME/w/scripted.$JOB_ID.out\n#$ -l h_rt=0:10:0,h_vmem=1G\n#$ -v FOO=bar\necho "hello from $JOB_NAME $JOB_ID FOO=$FOO"\n',
    'sleep.sh': 'sleep $1\n',
    'plain.sh': 'echo out\n',
    optfile: '-N fromfile\n',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(work, name), text)
  chmodSync(work, 0o755)
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** Folders; and load, processors, memory and swap of the machine, which are not those of the recording. */
const normal = (text: string) =>
  text
    .replaceAll(work, '/home/alice/w')
    .replaceAll(/(?<=BIP   \S+ +)(?:-NA-|\d\.\d\d)(?= )/g, 'LOAD')
    .replaceAll(/(?<=^all\.q +)(?:-NA-|\d\.\d\d)(?= )/gm, 'LOAD')
    .replaceAll(/^ *<load(?:_avg)?>.*\n/gm, '')
    .replaceAll(/(?<=^vm +lx-amd64 ).*$/gm, 'FIGURES')
    .replaceAll(/(?<=<host name='vm'>\n(?:.*\n){1,9}.*<hostvalue name='\w+'>)[^<]*/g, 'FIGURE')

async function replayed(world: GridEngineWorld, entry: Recorded): Promise<Said> {
  const id = /^(?:Your job(?:-array)? )?(\d+)[. \n]/.exec(entry.stdout)?.[1]
  if (entry.argv[0] === 'qsub' && id !== undefined) world.grid.brain.state.nextJob = Number(id)
  const { stdout, stderr, exit } = await world.run(entry.user, entry.argv, entry.input)
  return { stdout: normal(stdout), stderr: normal(stderr), exit }
}

test.each(Object.entries(verdicts))('%s', async (name, verdict) => {
  const world = await situations[verdict.in]()
  world.cwd = work
  const differing: Record<string, { ours: Said; theirs: Said }> = {}
  for (const entry of recorded(name)) {
    if (entry.isOther) continue
    const ours = await replayed(world, entry)
    const { stderr, exit } = entry
    const theirs = { stdout: normal(entry.stdout), stderr, exit }
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) differing[entry.line] = { ours, theirs }
  }
  if (process.env['EVERGRID_GOLDEN_SHOW']) process.stdout.write(shown(differing))
  const unexpected = Object.fromEntries(
    Object.entries(differing).filter(([line]) => !(line in (verdict.differs ?? {}))),
  )
  expect(unexpected).toEqual({})
  expect(Object.keys(differing).toSorted()).toEqual(Object.keys(verdict.differs ?? {}).toSorted())
})

test('docs/grid-engine-compatibility.md says what the replays say: npm run docs', () => {
  expect(readFileSync('docs/grid-engine-compatibility.md', 'utf8')).toBe(compatibilityText())
})

const shown = (differing: Record<string, { ours: Said; theirs: Said }>): string =>
  Object.entries(differing)
    .map(([line, { ours, theirs }]) =>
      [`\n$ ${line}`, `- ${JSON.stringify(theirs)}`, `+ ${JSON.stringify(ours)}`].join('\n'),
    )
    .join('\n')

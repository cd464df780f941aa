/** Backups put in place of the database: a fresh one in the middle of a run, and at its end one as old as the run. */
import { execFileSync, type ExecFileSyncOptions } from 'node:child_process'
import { join } from 'node:path'

import { uptime } from '../../../src/lib/real-clock.ts'
import { until } from '../../support/wait.ts'
import type { Mark } from '../acknowledged.ts'
import { killWorkers, workersOf } from '../workers.ts'
import { wait, whileDown, type Around, type Fault } from './fault.ts'

const quietly: ExecFileSyncOptions = { stdio: ['ignore', 'ignore', 'inherit'] }

type Backup = { file: string; mark: Mark }

/** Owners go on meanwhile: what they are told between mark and copy, it may know or not. */
async function takeBackup(around: Around, name: string): Promise<Backup> {
  const { grid, workload } = around
  const file = join(grid.folder, name)
  const mark = await workload.mark()
  execFileSync(grid.eg, ['backup', '--force', file, '--data', grid.schedulerData], quietly)
  return { file, mark }
}

async function putInPlace(around: Around, { file, mark }: Backup): Promise<void> {
  const { grid, workload } = around
  await whileDown(around, () => {
    const since = workload.said.jobs.length - mark.jobs
    const age = Math.round((uptime() - mark.at) / 1000)
    around.tell(`eg restore of a backup ${age} s old: ${since} jobs were acknowledged since`)
    execFileSync(grid.eg, ['restore', '--overwrite', file, '--data', grid.schedulerData], quietly)
    workload.restored(mark)
    return Promise.resolve()
  })
}

const fresh: Fault = {
  kind: 'restore of a fresh backup',
  weight: 1,
  async run(around) {
    const backup = await takeBackup(around, 'backup')
    await wait(around.random.between(5_000, 15_000))
    await putInPlace(around, backup)
  },
}

/** What runs of a forgotten job is left alone, and shown. When its processes have been killed nothing is shown. */
async function leftAlone({ grid, broken }: Around, job: number, name: string): Promise<void> {
  const program = grid.program('worker')
  const isShown = async () =>
    (await grid.views()).some(({ unknownRuns }) =>
      unknownRuns.some(({ task }) => task === `${job}.1`),
    )
  await until(isShown, { timeoutMs: 60_000, everyMs: 200, what: 'an unknown run' }).catch(() =>
    broken(`what runs of job ${job}, which the backup does not know, is not shown`),
  )
  if (workersOf(program, name).length !== 1)
    broken(`job ${job}, which the backup does not know, was not left alone`)
  killWorkers(program, name)
}

/** All that the run was told since, and much that has ended since, is not in it. */
function old(): Fault {
  let backup: Backup | null = null
  return {
    kind: 'restore of the backup of the beginning',
    weight: 1,
    isLast: true,
    async prepare(around) {
      backup = await takeBackup(around, 'first-backup')
    },
    async run(around) {
      if (backup === null) return
      const { workload } = around
      const job = await workload.submitForgotten('forgotten')
      await putInPlace(around, backup)
      await leftAlone(around, job, 'forgotten')
    },
  }
}

export const restoreFaults: readonly Fault[] = [fresh, old()]

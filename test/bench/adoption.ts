/** How soon an exec-node that is started again has taken over 500 live runs and told the scheduler of all. */
import { join } from 'node:path'

import { until } from '../support/wait.ts'
import { startExecNode, startScheduler, temporaryFolder } from './daemons.ts'
import type { RawConnection } from './raw-http.ts'
import { median, seconds, type Line } from './row.ts'
import { request } from './submits.ts'

const runs = 500

type Shown = { counts: { running: number } }

export async function measureAdoption(): Promise<Line[]> {
  const folder = temporaryFolder()
  const scheduler = await startScheduler(join(folder.path, 'scheduler'))
  const connection = await scheduler.connect()
  const start = () =>
    startExecNode([
      ...['--scheduler', scheduler.url, '--name', 'node1', '--data', join(folder.path, 'node1')],
      ...['--slots', String(runs), '--mem', String(2 ** 40)],
    ])
  let node = start()
  try {
    const array = { from: 1, to: runs, step: 1 }
    const command = ['/bin/sleep', '100000']
    const { job } = await connection.json<{ job: number }>('POST', '/v1/jobs', {
      ...request,
      command,
      array,
    })
    const running = () => allRun(connection, job)
    await until(running, { timeoutMs: 60_000, what: `${runs} runs` })
    const tookMs: number[] = []
    for (let round = 0; round < 3; round++) {
      await node.stop('SIGKILL')
      const before = await reportedAt(connection)
      const from = performance.now()
      node = start()
      // The first report of a start is a full one.
      await until(async () => (await reportedAt(connection)) > before, { everyMs: 5 })
      tookMs.push(performance.now() - from)
      await node.ready
      await until(running, { timeoutMs: 10_000, what: 'the same runs' })
    }
    await connection.json('POST', '/v1/jobs/stop', { all: true })
    const gone = async () => (await tasksOn(connection)) === 0
    await until(gone, { timeoutMs: 60_000, what: 'the end of all runs' })
    const took = median(tookMs)
    return [
      {
        what: 'an exec-node adopts 500 runs, from its start to its first full report',
        budget: '0.5 s',
        measured: seconds(took),
        good: took <= 500,
      },
    ]
  } finally {
    connection.close()
    await node.stop()
    await scheduler.stop()
    folder.remove()
  }
}

async function allRun(connection: RawConnection, job: number): Promise<boolean> {
  const { jobs } = await connection.json<{ jobs: (Shown & { id: number })[] }>('GET', '/v1/jobs')
  return jobs.find(({ id }) => id === job)?.counts.running === runs
}

type Node = { lastReportAt: string | null; tasks: number }

async function node1(connection: RawConnection): Promise<Node | undefined> {
  const { nodes } = await connection.json<{ nodes: Node[] }>('GET', '/v1/nodes')
  return nodes[0]
}

const reportedAt = async (connection: RawConnection): Promise<number> =>
  Date.parse((await node1(connection))?.lastReportAt ?? '1970-01-01T00:00:00Z')

const tasksOn = async (connection: RawConnection) => (await node1(connection))?.tasks ?? 0

/** How soon the scheduler answers again after a start with 100,000 live tasks. */
import { taskKey } from '../../proto/ids.ts'
import { placementOf } from '../../scheduler/core/task-state.ts'
import { startScheduler, temporaryFolder } from './daemons.ts'
import { openBrain, placementReport, report, reportOf, submitAll } from './filled.ts'
import { median, seconds, type Line } from './row.ts'
import { request } from './submits.ts'

const nodes = 100
const slots = 500
const tasks = 100_000

/** Half of them run, on 100 nodes, the other half waits. */
async function fill(data: string): Promise<void> {
  const { brain, close } = await openBrain(data)
  const now = Date.now()
  for (let at = 1; at <= nodes; at++) report(brain, reportOf(`node${at}`, slots, {}))
  await submitAll(brain, tasks, request)
  while (brain.state.waiting.size > tasks - nodes * slots) {
    const before = brain.state.waiting.size
    brain.tick()
    await brain.settled()
    if (brain.state.waiting.size === before) throw new Error('the tick places nothing')
  }
  for (const node of brain.state.nodes.values()) {
    const placements = [...node.tasks].map((key) => {
      const found = brain.state.findTaskByKey(key)
      const task = found?.job.tasks?.get(found.index)
      const placement = task && placementOf(task.state)
      if (!found || !placement) throw new Error(`${key} is not placed`)
      const order = { task: taskKey(found.job.id, found.index), ...placement }
      return placementReport(
        order,
        { kind: 'running', run: placement.firstRun, since: now, healthy: true },
        now,
      )
    })
    report(brain, reportOf(node.name, slots, { sequence: 2, placements }))
  }
  await brain.settled()
  await close()
}

export async function measureRestart(): Promise<Line[]> {
  const folder = temporaryFolder()
  try {
    await fill(folder.path)
    const tookMs: number[] = []
    for (let round = 0; round < 5; round++) {
      const from = performance.now()
      const scheduler = await startScheduler(folder.path)
      const connection = await scheduler.connect()
      const { status } = await connection.request('GET', '/readyz')
      if (status !== 200) throw new Error(`readyz said ${status}`)
      const { jobs } = await connection.json<{ jobs: unknown[] }>('GET', '/v1/jobs?limit=100')
      tookMs.push(performance.now() - from)
      if (jobs.length !== 100) throw new Error(`the list has ${jobs.length} jobs`)
      connection.close()
      await scheduler.stop('SIGKILL')
    }
    const took = median(tookMs)
    return [
      {
        what: 'restart of the scheduler with 100,000 live tasks, to readyz and a list',
        budget: '2 s',
        measured: seconds(took),
        good: took <= 2_000,
      },
    ]
  } finally {
    folder.remove()
  }
}

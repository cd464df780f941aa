/**
 * Where the promise ends, as docs/guarantees.md says: what breaks it on purpose, with a bot of its own, so that the
 * sentence is seen to be true. Nothing of this counts as a promise broken.
 */
import { uptime } from '../../src/lib/real-clock.ts'
import { until } from '../support/wait.ts'
import { lastBeat, readBotLog } from './bot-log.ts'
import type { Around } from './faults/fault.ts'
import { killKeepers } from './faults/processes.ts'
import type { ChaosNode } from './grid.ts'
import { lease } from './pace.ts'
import { workersOf } from './workers.ts'

/** A second copy comes when the lease is over; it tries again after its pauses. */
const seenMs = () => lease.endMs + 20_000
const healedMs = 90_000

export async function showEdges(around: Around): Promise<string[]> {
  const renewing = around.grid.nodes.find(
    ({ refusalRenews, link }) => refusalRenews && link !== null,
  )
  const other = around.grid.nodes.find(({ refusalRenews }) => !refusalRenews)
  const seen: string[] = []
  if (renewing !== undefined)
    seen.push(
      await edge(around, renewing, {
        what: 'somebody else refuses connections in the scheduler’s place, the refused-connection rule on',
        begin: () => renewing.link?.reject(true, around.grid.host),
        end: () => renewing.link?.reject(false, around.grid.host),
      }),
    )
  if (other !== undefined)
    seen.push(
      await edge(around, other, {
        what: 'agent, fence and all shepherds killed, the agent not back within the lease',
        begin() {
          other.agent.keepAway()
          killKeepers(around, other)
        },
        end: () => other.agent.start(),
      }),
    )
  return seen
}

type Edge = { what: string; begin: () => void; end: () => void }

async function edge(around: Around, node: ChaosNode, { what, begin, end }: Edge): Promise<string> {
  const { grid, tell } = around
  const name = `edge-${node.name}`
  const job = await placedOn(around, node, name)
  tell(`where the promise ends: ${what} (${node.name})`)
  begin()
  const doubles = () => readBotLog(grid.work, name).doubles.length
  const came = await until(() => doubles() > 0, {
    timeoutMs: seenMs(),
    everyMs: 100,
    what: 'a second copy',
  }).then(
    () => true,
    () => false,
  )
  end()
  const from = uptime()
  const alone = () =>
    uptime() - lastBeat(grid.work, name) < 1_000 &&
    workersOf(grid.program('worker'), name).length === 1
  const healed = await until(alone, {
    timeoutMs: healedMs,
    everyMs: 100,
    what: 'one copy again',
  }).then(
    () => `one copy again ${Math.round((uptime() - from) / 1000)} s after its end`,
    () =>
      `still ${workersOf(grid.program('worker'), name).length} copies ${healedMs / 1000} s after its end`,
  )
  await grid.insist((client) => client.call('stopJobs', { body: { jobs: [String(job)] } }))
  await until(() => workersOf(grid.program('worker'), name).length === 0, {
    timeoutMs: healedMs,
    what: 'its end',
  }).catch(() => around.broken(`${name} was stopped, and a copy of it lives`))
  const line = `${what}: ${came ? 'a second copy was started' : 'no second copy was seen'}; ${healed}`
  tell(line)
  return line
}

/** It may move: the others only do not take it at first. */
async function placedOn(
  { grid, workload }: Around,
  node: ChaosNode,
  name: string,
): Promise<number> {
  const others = grid.nodes.filter((one) => one !== node)
  for (const one of others) {
    const input = { params: { node: one.name }, body: { reason: 'for the edge' } }
    await grid.insist((client) => client.call('cordonNode', input))
  }
  const job = await workload.submitEdge(name)
  await until(() => lastBeat(grid.work, name) > 0, {
    timeoutMs: 60_000,
    what: `${name} on ${node.name}`,
  })
  for (const one of others) {
    await grid.insist((client) => client.call('uncordonNode', { params: { node: one.name } }))
  }
  return job
}

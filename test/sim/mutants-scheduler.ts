/** Schedulers that judge too early, or say more than they have on disk. */
import type { Report } from '../../proto/sync.ts'
import type { Brain } from '../../scheduler/brain/brain.ts'
import type { Handlers } from '../../scheduler/brain/call.ts'
import { GridState } from '../../scheduler/state/grid.ts'
import { findTask } from '../../scheduler/state/live-job.ts'
import type { StoredNode } from '../../scheduler/state/live-node.ts'
import type { Store } from '../../scheduler/store/store.ts'
import type { Mutant } from './mutant-list.ts'

/** Cursor of a schedule and its ledger, in two transactions. */
const splitCommit = (store: Store): Store => ({
  ...store,
  commit: async (changes) => {
    const isLate = (change: (typeof changes)[number]) =>
      'advance' in change || ('put' in change && change.put === 'schedule')
    await store.commit(changes.filter((change) => !isLate(change)))
    const late = changes.filter(isLate)
    if (late.length > 0) await store.commit(late)
  },
})

const forgetsGrants = (store: Store): Store => ({
  ...store,
  load: async () => {
    const snapshot = await store.load()
    const nodes = snapshot.nodes.map(({ name, dataJson }) => {
      const node = JSON.parse(dataJson) as StoredNode
      return { name, dataJson: JSON.stringify({ ...node, outstanding: { kind: 'none' } }) }
    })
    await store.commit(nodes.map((row) => ({ put: 'node' as const, row })))
    return { ...snapshot, nodes }
  },
})

const unmarked = (store: Store): Store => ({
  ...store,
  load: async () => {
    const snapshot = await store.load()
    return { ...snapshot, meta: { ...snapshot.meta, backup: '' } }
  },
})

/** What would show that this database is older than the grid. */
function withoutEvidence(report: Report, { state }: Brain): Report {
  const placements = report.placements.filter(({ task: key, epoch }) => {
    const [id = 0, index = 0] = key.split('.').map(Number)
    const job = state.jobs.get(id)
    if (job === undefined) return id < state.nextJob
    const task = findTask(job, index)
    return task === null || epoch <= Math.max(task.epoch, job.epochBase)
  })
  return { ...report, revision: null, placements }
}

function withoutLostEnds(report: Report, { state }: Brain): Report {
  const placements = report.placements.filter(({ task: key, epoch, phase }) => {
    const found = phase.kind === 'ended' ? state.findTaskByKey(key) : null
    const task = found && findTask(found.job, found.index)
    return task === null || epoch <= task.epoch
  })
  return { ...report, placements }
}

/** As if numbers had not gone ahead of those of the lost database. */
const recounted =
  (restart: Handlers['restartJobs'], { state }: Brain): Handlers['restartJobs'] =>
  (call) => {
    const bases = [...state.jobs.values()].map((job) => [job, job.epochBase] as const)
    for (const [job] of bases) job.epochBase = 0
    const result = restart(call)
    for (const [job, base] of bases) job.epochBase = base
    return result
  }

export const schedulerMutants: Readonly<Record<string, Mutant>> = {
  'judges-at-once': {
    what: 'a scheduler that starts does not wait out the leases that are outstanding',
    mutant: {
      scheduler: {
        judging: (clock, begin) => {
          const now = clock.uptime()
          const uptime = clock.uptime.bind(clock)
          clock.uptime = () => now - 3_600_000
          begin()
          clock.uptime = uptime
        },
      },
    },
  },
  'stall-not-noticed': {
    what: 'a scheduler that stood still takes the silence of that time for a node’s',
    mutant: {
      scheduler: {
        settings: (settings) => ({ ...settings, lease: { ...settings.lease, stallMs: Infinity } }),
      },
    },
  },
  'grants-forgotten': {
    what: 'shorter leases count at once, without waiting for those that were granted before',
    mutant: { scheduler: { store: forgetsGrants } },
  },
  'restored-unawares': {
    what: 'a restored database goes on as if it were the newest: no new incarnation, no new numbers',
    mutant: { scheduler: { store: unmarked, report: withoutEvidence } },
  },
  'restored-in-haste': {
    what: 'a restored database starts at once what it knows as waiting',
    mutant: {
      scheduler: {
        // Before the database is read; for all of this process, which a mutant has for itself.
        store: (store) => {
          GridState.prototype.isHeldBack = () => false
          return store
        },
      },
    },
  },
  'lost-ends-unheard': {
    what: 'the end of what the lost database had placed says nothing of a task that waits in the restored one',
    mutant: { scheduler: { report: withoutLostEnds } },
  },
  'restarts-recounted': {
    what: 'a restored database counts restarts on from what it knows, which nodes may have obeyed before',
    mutant: { scheduler: { restart: recounted } },
  },
  'reads-before-commit': {
    what: 'orders and the answers to reports and reads leave before their commit',
    mutant: {
      scheduler: {
        store: (store) => ({
          ...store,
          commit: async (changes) => {
            store.commit(changes).catch(() => {})
          },
        }),
      },
    },
  },
  'ack-before-commit': {
    what: 'what people ask for is acknowledged before its commit',
    mutant: { scheduler: { isHasty: true } },
  },
  'keys-ignored': {
    what: 'a request that is sent again is done again',
    mutant: { scheduler: { isKeyless: true } },
  },
  'cursor-apart': {
    what: 'a schedule’s cursor is written in a transaction after the job that it fired',
    mutant: { scheduler: { store: splitCommit } },
  },
}

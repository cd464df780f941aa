/** Grids that are broken on purpose, each in one place between the parts: the simulation must catch every one. */
import type { SchedulerLink } from '../../exec-node/ports.ts'
import type { LeaseTerms, PlacementReport, Report } from '../../proto/sync.ts'
import { placementOf } from '../../scheduler/core/task-state.ts'
import type { Store } from '../../scheduler/store/store.ts'
import { simLease } from './scheduler-host.ts'
import type { SimOptions } from './simulation.ts'

export type Mutant = { what: string; mutant: NonNullable<SimOptions['mutant']> }

const changedReport = (link: SchedulerLink, change: (report: Report) => Report): SchedulerLink => ({
  ...link,
  report: (report) => link.report(change(report)),
})

/** The node takes each lease for longer than it is, and says what the scheduler expects to hear. */
const longLease = (link: SchedulerLink): SchedulerLink => ({
  ...link,
  report: async (report) => {
    const outcome = await link.report({ ...report, terms: report.terms && simLease.terms })
    if (outcome.kind !== 'answered' || outcome.reply.terms === null) return outcome
    const terms = mapTerms(outcome.reply.terms, (ms) => ms * 20)
    return { kind: 'answered', reply: { ...outcome.reply, terms } }
  },
})

const mapTerms = ({ termMs, killMs, endMs }: LeaseTerms, map: (ms: number) => number) => ({
  termMs: map(termMs),
  killMs: map(killMs),
  endMs: map(endMs),
})

const endedTooSoon = (placement: PlacementReport): PlacementReport => {
  if (placement.phase.kind !== 'stopping') return placement
  const cause = { kind: 'cancelled', by: 'mutant', why: 'said before it was so' } as const
  return { ...placement, phase: { kind: 'ended', cause } }
}

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

export const mutants: Record<string, Mutant> = {
  'no-self-stop': {
    what: 'a node that is cut off goes on: neither agent nor fences stop at the end of the lease',
    mutant: { node: { link: longLease, isFenceless: true } },
  },
  'silence-renews': {
    what: 'a report without an answer renews the lease, as a refused connection does',
    mutant: {
      node: {
        link: (link, node) => ({
          ...link,
          report: (report) => {
            // Just before the agent's own time-out.
            const late = node.world.wait(2_900, null)
            return Promise.race([
              link.report(report),
              late.then(() => ({ kind: 'refused-connection' }) as const),
            ])
          },
        }),
      },
    },
  },
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
  'epochs-ignored': {
    what: 'a report of an older placement counts for the newest one',
    mutant: {
      scheduler: {
        report: (report, brain) => ({
          ...report,
          placements: report.placements.map((placement) => {
            const found = brain.state.findTaskByKey(placement.task)
            const task = found?.job.tasks?.get(found.index)
            const place = task ? placementOf(task.state) : null
            if (place?.node !== report.node) return placement
            return { ...placement, epoch: place.epoch, version: 1_000_000 }
          }),
        }),
      },
    },
  },
  'part-taken-for-all': {
    what: 'a report of what changed is taken for all that is on the node',
    mutant: {
      node: { link: (link) => changedReport(link, (report) => ({ ...report, full: true })) },
    },
  },
  'freed-before-empty': {
    what: 'a placement that is stopping is said to have ended',
    mutant: {
      node: {
        link: (link) =>
          changedReport(link, (report) => ({
            ...report,
            placements: report.placements.map(endedTooSoon),
          })),
      },
    },
  },
  'reads-before-commit': {
    what: 'answers and orders leave before their commit',
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
  'keys-ignored': {
    what: 'a request that is sent again is done again',
    mutant: { scheduler: { isKeyless: true } },
  },
  'cursor-apart': {
    what: 'a schedule’s cursor is written in a transaction after the job that it fired',
    mutant: { scheduler: { store: splitCommit } },
  },
}

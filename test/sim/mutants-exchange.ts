import type { PlacementRecord } from '../../exec-node/core/record.ts'
/** An exchange in which one of its rules does not hold. */
import type { OrderHandlers, SchedulerLink } from '../../exec-node/ports.ts'
import type { OrderLine, PlacementReport, Report, Revision } from '../../proto/sync.ts'
import type { Brain } from '../../scheduler/brain/brain.ts'
import { placementOf } from '../../scheduler/core/task-state.ts'
import type { Mutant } from './mutant-list.ts'
import type { NodeHost } from './node-host.ts'
import { simLease } from './scheduler-host.ts'

const changedReport = (link: SchedulerLink, change: (report: Report) => Report): SchedulerLink => ({
  ...link,
  report: (report) => link.report(change(report)),
})

const changedLines = (
  link: SchedulerLink,
  change: (line: OrderLine) => OrderLine,
): SchedulerLink => ({
  ...link,
  orders: (handlers: OrderHandlers) =>
    link.orders({ ...handlers, line: (line) => handlers.line(change(line)) }),
})

/** Every line seems newer than all before it; the scheduler hears of the true ones. */
function allNew(link: SchedulerLink): SchedulerLink {
  const seen = new Map<number, Revision>()
  let counter = 0
  const renewed = changedLines(link, (line) => {
    if (line.kind !== 'full' && line.kind !== 'diff') return line
    counter += 1
    seen.set(counter, line.revision)
    const { grid, orders } = line
    return { kind: 'full', grid, orders, revision: { incarnation: 0, counter } }
  })
  return changedReport(renewed, (report) => ({
    ...report,
    revision: report.revision && (seen.get(report.revision.counter) ?? null),
  }))
}

const why = 'it is not in the list'
function stopsTheAbsent(line: OrderLine, { spool }: NodeHost): OrderLine {
  if (line.kind !== 'full') return line
  const listed = new Set(line.orders.map(({ task }) => task))
  const records = [...spool.records.values()].map((text) => JSON.parse(text) as PlacementRecord)
  const absent = records.filter(({ order }) => !listed.has(order.task))
  const cause = { kind: 'cancelled', by: 'mutant', why } as const
  const stops = absent.map(({ order }) => ({
    ...order,
    want: { kind: 'stop' as const, cause, graceMs: null },
  }))
  return { ...line, orders: [...line.orders, ...stops] }
}

const endedTooSoon = (placement: PlacementReport): PlacementReport => {
  if (placement.phase.kind !== 'stopping') return placement
  const cause = { kind: 'cancelled', by: 'mutant', why: 'said before it was so' } as const
  return { ...placement, phase: { kind: 'ended', cause } }
}

function withNewestEpochs(report: Report, brain: Brain): Report {
  const placements = report.placements.map((placement) => {
    const found = brain.state.findTaskByKey(placement.task)
    const task = found?.job.tasks?.get(found.index)
    const place = task ? placementOf(task.state) : null
    if (place?.node !== report.node) return placement
    return { ...placement, epoch: place.epoch, version: 1_000_000 }
  })
  return { ...report, placements }
}

/** Whatever machine reports is the one that is known. */
function asKnownMachine(report: Report, brain: Brain): Report {
  const known = brain.state.nodes.get(report.node)?.facts
  if (!known) return report
  const { machineId, hardware } = known
  const same = hardware === undefined ? { machineId } : { machineId, hardware }
  return { ...report, facts: { ...report.facts, ...same } }
}

/** The other boot that says two things a second apart, as if the known one were silent. */
function believedAtOnce(report: Report, brain: Brain): Report {
  const node = brain.state.nodes.get(report.node)
  const other = node?.otherBoots.get(report.facts.bootId)
  if (!node || node.heardAt === null || other === undefined) return report
  const isApart = report.uptimeMs - other.saidUptimeMs >= 1_000
  if (isApart && !other.isTwin) node.heardAt -= simLease.silentAfterMs
  return report
}

export const exchangeMutants: Readonly<Record<string, Mutant>> = {
  'epochs-ignored': {
    what: 'a report of an older placement counts for the newest one',
    mutant: { scheduler: { report: withNewestEpochs } },
  },
  'revisions-ignored': {
    what: 'an order counts when it comes, however old it is',
    mutant: { node: { link: allNew } },
  },
  'absence-stops': {
    what: 'what is absent from a full list of orders is stopped',
    mutant: {
      node: { link: (link, node) => changedLines(link, (line) => stopsTheAbsent(line, node)) },
    },
  },
  'part-taken-for-all': {
    what: 'a report of what changed is taken for all that is on the node',
    mutant: {
      node: { link: (link) => changedReport(link, (report) => ({ ...report, full: true })) },
    },
  },
  'freed-at-exit': {
    what: 'a slot is free when its command has ended, though processes are left',
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
  'twin-believed': {
    what: 'the boot of a second machine under a name passes for a reboot of the first',
    mutant: { scheduler: { report: asKnownMachine } },
  },
  'clone-believed-at-once': {
    what: 'another boot of the same machine is believed after two reports a second apart, though the known one speaks',
    mutant: { scheduler: { report: believedAtOnce } },
  },
  'anybody-gets-orders': {
    what: 'orders go to the newest stream under a name, whoever opened it',
    mutant: { scheduler: { isSessionless: true } },
  },
}

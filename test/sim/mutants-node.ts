/** Nodes that keep their leases wrongly. */
import type { SchedulerLink } from '../../exec-node/ports.ts'
import type { LeaseTerms } from '../../proto/sync.ts'
import type { Mutant } from './mutant-list.ts'
import type { NodeHost } from './node-host.ts'

/** The node takes each lease for another than it is, and says what the scheduler expects to hear. */
function bentLease(
  link: SchedulerLink,
  bend: (terms: LeaseTerms, sentAtUptimeMs: number) => LeaseTerms,
): SchedulerLink {
  let granted: LeaseTerms | null = null
  return {
    ...link,
    report: async (report) => {
      const outcome = await link.report({ ...report, terms: report.terms && granted })
      if (outcome.kind !== 'answered' || outcome.reply.terms === null) return outcome
      granted = outcome.reply.terms
      const terms = bend(granted, report.uptimeMs)
      return { kind: 'answered', reply: { ...outcome.reply, terms } }
    },
  }
}

const longer = ({ termMs, killMs, endMs }: LeaseTerms, ms: number): LeaseTerms => ({
  termMs: termMs + ms,
  killMs: killMs + ms,
  endMs: endMs + ms,
})

/** Stands still while the machine sleeps. */
const monotonic = ({ host }: NodeHost) => Math.max(0, host.uptime() - host.sleptMs)

export const nodeMutants: Readonly<Record<string, Mutant>> = {
  'no-self-stop': {
    what: 'a node that is cut off goes on: neither agent nor fences stop at the end of the lease',
    mutant: {
      node: {
        link: (link) => bentLease(link, (terms) => longer(terms, 900_000)),
        isFenceless: true,
      },
    },
  },
  'no-fences': {
    what: 'only the agent stops what its lease no longer covers, and an agent can be dead or hang',
    mutant: { node: { isFenceless: true } },
  },
  'grace-beyond-the-margin': {
    what: 'what ignores SIGTERM is killed after the end of the lease, not before it',
    mutant: {
      node: {
        link: (link) => bentLease(link, (terms) => ({ ...terms, killMs: terms.endMs + 15_000 })),
      },
    },
  },
  'no-look-before-exec': {
    what: 'a shepherd does not look at the lease just before it executes the command',
    mutant: { node: { isLeaseUnread: true } },
  },
  'lease-from-the-answer': {
    what: 'a lease is counted from when its answer came, not from when the report was sent',
    mutant: {
      node: {
        link: (link, node) =>
          bentLease(link, (terms, sentAt) => longer(terms, node.host.uptime() - sentAt)),
      },
    },
  },
  'sleep-not-counted': {
    what: 'leases are measured on a clock that stands still while the machine sleeps',
    mutant: {
      node: { clock: (clock, node) => ({ ...clock, uptime: () => monotonic(node) }) },
    },
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
}

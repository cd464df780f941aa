/** Roles and the audit log, for people. */
import type { AuditEntry, RoleView } from '../../../proto/rights.ts'
import type { SharingView } from '../../../proto/sharing.ts'
import type { TokenView } from '../../../proto/token.ts'
import { timeText } from '../words.ts'
import { table, type Cell, type Look } from './table.ts'

export function rolesText(roles: readonly RoleView[], look: Look): string {
  return table(
    [
      { title: 'USER', cell: ({ owner }) => owner },
      { title: 'ROLE', cell: ({ role }) => role },
      { title: 'SINCE', cell: ({ at }) => timeText(at) },
      { title: 'GRANTED BY', cell: ({ by }) => by ?? 'runs the grid' },
    ],
    roles,
    look,
  )
}

export function tokensText(tokens: readonly TokenView[], owners: boolean, look: Look): string {
  const state = ({ expiresAt, revoked }: TokenView): Cell =>
    revoked === null
      ? `until ${timeText(expiresAt)}`
      : { text: `revoked by ${revoked.by}`, tone: 'dim' }
  return table(
    [
      { title: 'TOKEN', cell: ({ id }) => id, right: true },
      { title: 'NAME', cell: ({ name }) => name },
      ...(owners ? [{ title: 'OWNER', cell: ({ owner }: TokenView) => owner }] : []),
      { title: 'SCOPES', cell: ({ scopes }) => scopes.join(', ') },
      { title: 'MADE', cell: ({ createdAt }) => timeText(createdAt) },
      { title: 'STATE', cell: state },
    ],
    tokens,
    look,
  )
}

export function sharingText(sharing: readonly SharingView[], look: Look): string {
  return table(
    [
      { title: 'OWNER', cell: ({ owner }) => owner },
      { title: 'JOBS', cell: ({ job }) => (job === null ? 'all' : `job ${job}`) },
      { title: 'GROUP', cell: ({ group }) => group },
      { title: 'SINCE', cell: ({ at }) => timeText(at) },
    ],
    sharing,
    look,
  )
}

export function auditText(entries: readonly AuditEntry[], look: Look): string {
  return table(
    [
      { title: 'WHEN', cell: ({ at }) => timeText(at) },
      { title: 'WHO', cell: ({ by, rights }) => (rights === 'user' ? by : `${by} (${rights})`) },
      { title: 'FROM', cell: ({ from }) => from },
      { title: 'WHAT', cell: ({ what }) => what },
      { title: 'ABOUT', cell: aboutText },
      { title: 'CHANGE', cell: changeText },
    ],
    entries,
    look,
  )
}

const aboutText = ({ about, owner, by }: AuditEntry): string =>
  owner === null || owner === by || about.endsWith(` of ${owner}`) ? about : `${about} of ${owner}`

/** `wanted: run -> stop`; what was not there before stands alone. */
function changeText({ before, after }: AuditEntry): string {
  if (!isObject(after)) return isObject(before) ? 'removed' : said(after)
  const was = isObject(before) ? before : {}
  return Object.keys({ ...was, ...after })
    .filter((name) => JSON.stringify(was[name]) !== JSON.stringify(after[name]))
    .map((name) =>
      name in was
        ? `${name}: ${said(was[name])} -> ${said(after[name])}`
        : `${name}: ${said(after[name])}`,
    )
    .join(', ')
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const said = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? 'none' : JSON.stringify(value)

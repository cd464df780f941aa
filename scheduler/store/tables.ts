/** The tables as data: which field of a row is which column, and what makes its key. */
import type { Change } from './change.ts'

export type Put = Extract<Change, { put: string }>
export type PutName = Put['put']
type RowOf<N extends PutName> =
  Extract<Put, { put: N }> extends { row: infer Row } ? Row : { key: string; value: string }

type Table<N extends PutName> = {
  columns: readonly (keyof RowOf<N> & string)[]
  key: readonly (keyof RowOf<N> & string)[]
  /** Said once, when the row is new: not written again, nor the indexes over them. */
  fixed?: readonly (keyof RowOf<N> & string)[]
}

export const tables: { [N in PutName]: Table<N> } = {
  job: {
    // Without `specJson`, which has a table of its own, as below.
    columns: [
      'id',
      'owner',
      'name',
      'kind',
      'queue',
      'factsJson',
      'priority',
      'submittedAt',
      'startedAt',
      'finishedAt',
      'state',
      'outcome',
      'causeJson',
      'countsJson',
      'restarts',
      'schedule',
      'dueAt',
    ],
    key: ['id'],
    fixed: ['owner', 'name', 'kind', 'queue', 'submittedAt', 'schedule', 'dueAt'],
  },
  range: { columns: ['job', 'from', 'to'], key: ['job', 'from'] },
  task: {
    columns: ['job', 'index', 'state', 'outcome', 'node', 'epoch', 'since', 'dataJson'],
    key: ['job', 'index'],
  },
  run: {
    columns: [
      'job',
      'index',
      'epoch',
      'number',
      'node',
      'pid',
      'startedAt',
      'endedAt',
      'causeJson',
      'usageJson',
      'outputJson',
    ],
    key: ['job', 'index', 'epoch', 'number'],
  },
  event: {
    columns: ['id', 'at', 'what', 'job', 'task', 'node', 'schedule', 'owner', 'by', 'detail'],
    key: ['id'],
  },
  node: { columns: ['name', 'dataJson'], key: ['name'] },
  quota: { columns: ['subject', 'dataJson'], key: ['subject'] },
  share: { columns: ['owner', 'average', 'at'], key: ['owner'] },
  crontab: { columns: ['owner', 'text', 'namesJson'], key: ['owner'] },
  queue: { columns: ['name', 'dataJson'], key: ['name'] },
  resource: { columns: ['name', 'dataJson'], key: ['name'] },
  schedule: { columns: ['owner', 'name', 'cursorAt', 'dataJson'], key: ['owner', 'name'] },
  template: {
    columns: ['owner', 'schedule', 'fromJob', 'name', 'specJson', 'settings'],
    key: ['owner', 'schedule', 'fromJob'],
  },
  firing: {
    columns: [
      'owner',
      'schedule',
      'dueAt',
      'until',
      'count',
      'outcome',
      'jobId',
      'manual',
      'why',
      'at',
    ],
    key: ['owner', 'schedule', 'dueAt', 'manual'],
  },
  reply: {
    columns: ['owner', 'key', 'route', 'hash', 'status', 'replyJson', 'at'],
    key: ['owner', 'key'],
  },
  token: { columns: ['hash', 'owner', 'expiresAt'], key: ['hash'] },
  apiToken: {
    columns: [
      'id',
      'hash',
      'owner',
      'name',
      'scopesJson',
      'createdAt',
      'expiresAt',
      'revokedAt',
      'revokedBy',
    ],
    key: ['id'],
    fixed: ['hash', 'owner', 'name', 'scopesJson', 'createdAt', 'expiresAt'],
  },
  sharing: { columns: ['owner', 'job', 'group', 'by', 'at'], key: ['owner', 'job', 'group'] },
  joinToken: {
    columns: ['id', 'hash', 'node', 'by', 'createdAt', 'expiresAt', 'usedAt', 'usedBy'],
    key: ['id'],
    fixed: ['hash', 'node', 'by', 'createdAt', 'expiresAt'],
  },
  nodeKey: { columns: ['node', 'hash', 'oldHash', 'since'], key: ['node'] },
  role: { columns: ['owner', 'role', 'by', 'at'], key: ['owner'] },
  audit: {
    columns: [
      'id',
      'at',
      'by',
      'rights',
      'from',
      'what',
      'about',
      'job',
      'toJob',
      'owner',
      'own',
      'beforeJson',
      'afterJson',
    ],
    key: ['id'],
  },
  meta: { columns: ['key', 'value'], key: ['key'] },
}

const quoted = (names: readonly string[], prefix: string) =>
  names.map((name) => `${prefix}"${name}"`).join(', ')

export const columnsOf = (name: PutName, prefix = '') => quoted(tables[name].columns, prefix)

export function upsertSql(
  table: string,
  columns: readonly string[],
  key: readonly string[],
  {
    fixed = [],
    onlyIf = '',
    rows = 1,
  }: { fixed?: readonly string[]; onlyIf?: string; rows?: number } = {},
): string {
  const rest = columns.filter((column) => !key.includes(column) && !fixed.includes(column))
  const sets = rest.map((column) => `"${column}" = excluded."${column}"`).join(', ')
  const row = `(${columns.map(() => '?').join(', ')})`
  const all = Array.from({ length: rows }, () => row).join(', ')
  return `INSERT INTO "${table}" (${quoted(columns, '')}) VALUES ${all}
    ON CONFLICT (${quoted(key, '')}) DO UPDATE SET ${sets} ${onlyIf}`
}

/** The text forms of qstat: columns, widths and cuts as Grid Engine's. */
import { instanceOf, textTime, type Row } from './job-rows.ts'

export type Columns = { pri: boolean; urg: boolean; ext: boolean; masters: boolean; usage: boolean }
type Cell = (row: Row) => string
type Column = [header: string, cell: Cell]

const left = (text: string, width: number) => text.slice(0, width).padEnd(width)
const prior: Cell = (row) => row.prior.toFixed(5)
const blank =
  (width: number): Cell =>
  () =>
    ' '.repeat(width)
const zeros =
  (width: number): Cell =>
  () =>
    '0'.padStart(width)
/** Its scheduler's weights are none of ours: what they would be is the place in our own order. */
const none: Cell = (row) => (row.prior === 0 ? '0.00000' : '0.50000')
const whenRunning =
  (text: string): Cell =>
  (row) =>
    row.isRunning ? text : ' '.repeat(text.length)

const ordered = ({ pri, urg, ext }: Columns): Column[] => [
  ['job-ID ', (row) => String(row.job.id).padStart(7)],
  ['prior  ', prior],
  ...when(pri || urg, ['nurg   ', none]),
  ...when(pri, ['npprior', none]),
  ...when(pri || ext, ['ntckts ', none]),
  ...when(
    urg,
    ['urg     ', zeros(8)],
    ['rrcontr ', zeros(8)],
    ['wtcontr ', zeros(8)],
    ['dlcontr ', zeros(8)],
  ),
  ...when(pri, [' ppri', (row) => String(row.job.priority).padStart(5)]),
  ['name      ', (row) => left(row.job.name, 10)],
  ['user        ', (row) => left(row.job.owner, 12)],
  ...when(
    ext,
    ['project         ', () => left('NA', 16)],
    ['department', () => left('defaultdepartment', 10)],
  ),
  ['state', (row) => left(row.state, 5)],
]

const times = ({ urg, ext }: Columns): Column[] => [
  ...when(!ext || urg, [
    urg ? 'submit/start at     ' : 'submit/start at    ',
    (row) => textTime(row.at).padEnd(urg ? 20 : 19),
  ]),
  ...when(urg, ['deadline          ', blank(18)]),
  ...when(
    ext,
    ['cpu       ', whenRunning('0:00:00:00')],
    ['mem    ', whenRunning('0.00000')],
    ['io     ', whenRunning('0.00000')],
    ...['tckts', 'ovrts', 'otckt', 'ftckt', 'stckt'].map((name): Column => [name, zeros(5)]),
    ['share', () => '0.00 '],
  ),
]

const taskCell: Cell = (row) => row.tasks ?? ' '.repeat(7)
const master: Cell = (row) => (row.isRunning ? 'MASTER' : ' '.repeat(6))

const places = ({ masters, usage }: Columns): Column[] => [
  ['queue                         ', (row) => left(instanceOf(row), 30)],
  masters ? ['master', master] : ['slots', (row) => String(row.job.slots).padStart(5)],
  ['ja-task-ID', taskCell],
  ...when(usage, ['task-ID state cpu        mem     io      stat failed', () => '']),
]

const when = (wanted: boolean, ...columns: Column[]): Column[] => (wanted ? columns : [])

const line = (columns: readonly Column[], row: Row): string =>
  columns
    .map(([, cell]) => cell(row))
    .join(' ')
    .replace(/ $/, (end) => (row.tasks === null ? end : ''))

export function header(columns: Columns): string {
  const text = `${[...ordered(columns), ...times(columns), ...places(columns)].map(([name]) => name).join(' ')} `
  const width =
    113 +
    (columns.pri ? 35 : 0) +
    (columns.urg ? 64 : 0) +
    (columns.ext ? 79 : 0) +
    (columns.masters ? 1 : 0) +
    (columns.usage ? 53 : 0)
  return `${text}\n${'-'.repeat(width)}\n`
}

export function jobLine(row: Row, columns: Columns): string {
  const all = [...ordered(columns), ...times(columns), ...places({ ...columns, usage: false })]
  return `${line(all, row)}\n`
}

/** Under the line of its queue instance, which need not be said again. */
export function lineInQueue(row: Row, columns: Columns): string {
  const rest = places({ ...columns, usage: false }).slice(1)
  return `${line([...ordered(columns), ...times(columns), ...rest], row)}\n`
}

export const pendingTitle = `
${'#'.repeat(76)}
 - PENDING JOBS - PENDING JOBS - PENDING JOBS - PENDING JOBS - PENDING JOBS
${'#'.repeat(76)}
`

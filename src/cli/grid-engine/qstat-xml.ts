/** The XML forms of qstat. */
import { instanceOf, xmlTime, type Row } from './job-rows.ts'
import type { Cluster, Instance } from './queue-instances.ts'
import { instanceName } from './queue-instances.ts'
import type { Requested } from './requested.ts'
import { escaped } from './xml.ts'

const head =
  '<?xml version=\'1.0\'?>\n<job_info  xmlns:xsd="http://arc.liv.ac.uk/repos/darcs/sge/source/dist/util/resources/schemas/qstat/qstat.xsd">\n'

export type XmlOptions = {
  /** The queue stands around its jobs, or is said with each. */
  isFull: boolean
  requested: (row: Row) => Requested | null
}

export function statXml(
  rows: readonly Row[],
  instances: readonly Instance[],
  options: XmlOptions,
): string {
  const running = rows.filter(({ isRunning }) => isRunning)
  const lists = options.isFull
    ? instances.map((one) => queueXml(one, running, options)).join('')
    : running.map((row) => jobXml(row, options, '    ')).join('')
  const pending = rows
    .filter(({ isRunning }) => !isRunning)
    .map((row) => jobXml(row, options, '    '))
    .join('')
  return `${head}  <queue_info>\n${lists}  </queue_info>\n  <job_info>\n${pending}  </job_info>\n</job_info>\n`
}

function queueXml(one: Instance, rows: readonly Row[], options: XmlOptions): string {
  const values: [string, string][] = [
    ['name', instanceName(one)],
    ['qtype', 'BIP'],
    ['slots_used', String(one.used)],
    ['slots_resv', '0'],
    ['slots_total', String(one.total)],
    ['arch', one.arch],
    ...(one.states === '' ? [] : [['state', one.states] as [string, string]]),
  ]
  const jobs = rows
    .filter((row) => instanceOf(row) === instanceName(one))
    .map((row) => jobXml(row, options, '      '))
  const own = values.map(([name, value]) => `      <${name}>${escaped(value)}</${name}>\n`)
  return `    <Queue-List>\n${[...own, ...jobs].join('')}    </Queue-List>\n`
}

function jobXml(row: Row, { isFull, requested }: XmlOptions, indent: string): string {
  const { job } = row
  const line = (name: string, value: string, attributes = '') =>
    `${indent}  <${name}${attributes}>${escaped(value)}</${name}>\n`
  const asked = requested(row)
  const lines = [
    line('JB_job_number', String(job.id)),
    line('JAT_prio', row.prior.toFixed(5)),
    line('JB_name', job.name),
    line('JB_owner', job.owner),
    line('state', row.state),
    line(row.isRunning ? 'JAT_start_time' : 'JB_submission_time', xmlTime(row.at)),
    ...(isFull ? [] : [line('queue_name', instanceOf(row))]),
    line('slots', String(job.slots)),
    ...(row.tasks === null ? [] : [line('tasks', row.tasks)]),
    ...(asked === null ? [] : requestXml(asked, job.name, line)),
  ]
  const state = row.isRunning ? 'running' : 'pending'
  return `${indent}<job_list state="${state}">\n${lines.join('')}${indent}</job_list>\n`
}

function requestXml(
  { hard, soft, pe, queue, predecessors }: Requested,
  name: string,
  line: (name: string, value: string, attributes?: string) => string,
): string[] {
  const attribute = (key: string) => ` name="${escaped(key)}"`
  return [
    line('full_job_name', name),
    ...(pe === null ? [] : [line('requested_pe', pe.range, attribute(pe.name))]),
    ...hard.map((one) =>
      line('hard_request', one.value, `${attribute(one.name)} resource_contribution="0.000000"`),
    ),
    ...(queue === null ? [] : [line('hard_req_queue', queue)]),
    ...soft.map((one) => line('soft_request', one.value, attribute(one.name))),
    ...predecessors.map((one) => line('predecessor_jobs_req', one)),
    line('binding', 'NONE'),
  ]
}

export function clusterXml(clusters: readonly Cluster[]): string {
  const parts = clusters.map(({ name, used, available, total, closed }) => {
    const values = {
      name: escaped(name),
      used,
      resv: 0,
      available,
      total,
      temp_disabled: 0,
      manual_intervention: closed,
    }
    const lines = Object.entries(values).map(([key, value]) => `    <${key}>${value}</${key}>\n`)
    return `  <cluster_queue_summary>\n${lines.join('')}  </cluster_queue_summary>\n`
  })
  return `${head}${parts.join('')}</job_info>\n`
}

export const unknownXml = (names: readonly string[]): string =>
  `<?xml version='1.0'?>\n<unknown_jobs >\n${names.map((name) => `    <ST_name>${escaped(name)}</ST_name>\n`).join('')}</unknown_jobs>\n`

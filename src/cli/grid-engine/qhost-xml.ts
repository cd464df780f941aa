/** The XML form of qhost. */
import type { Row } from './job-rows.ts'
import { globalValues, hostValues, type Host } from './qhost.ts'
import type { Instance } from './queue-instances.ts'
import { shownQueue } from './queue-names.ts'
import { escaped } from './xml.ts'

const valueNames = [
  'arch_string',
  'num_proc',
  'm_socket',
  'm_core',
  'm_thread',
  'load_avg',
  'mem_total',
  'mem_used',
  'swap_total',
  'swap_used',
]

export function hostXml(
  hosts: readonly Host[],
  wanted: { queues: boolean; jobs: boolean },
): string {
  const one = (host: Host) =>
    hostPart(host.node.name, hostValues(host), [
      wanted.queues ? host.instances.map(queueXml).join('') : '',
      wanted.jobs ? host.rows.map(jobXml).join('') : '',
    ])
  return `<?xml version='1.0'?>
<qhost xmlns:xsd="http://arc.liv.ac.uk/repos/darcs/sge/source/dist/util/resources/schemas/qhost/qhost.xsd">
${hostPart('global', globalValues, [])}${hosts.map(one).join('')}</qhost>
`
}

function hostPart(name: string, values: readonly string[], inside: readonly string[]): string {
  const lines = valueNames.map(
    (value, at) => `   <hostvalue name='${value}'>${escaped(values[at] ?? '-')}</hostvalue>\n`,
  )
  return ` <host name='${escaped(name)}'>\n${lines.join('')}${inside.join('')} </host>\n`
}

function queueXml({ queue, used, total, states }: Instance): string {
  const values = [
    ['qtype_string', 'BIP'],
    ['slots_used', used],
    ['slots', total],
    ['slots_resv', 0],
    ['state_string', states],
  ]
  const lines = values.map(
    ([name, value]) => `   <queuevalue qname='${queue}' name='${name}'>${value}</queuevalue>\n`,
  )
  return ` <queue name='${queue}'>\n${lines.join('')} </queue>\n`
}

function jobXml({ job, prior, state, at, node, tasks }: Row): string {
  const queue = `${shownQueue(job.queue)}@${node}`
  const values: [string, string][] = [
    ['priority', `'${prior.toFixed(6)}'`],
    ['qinstance_name', escaped(queue)],
    ['job_name', escaped(job.name)],
    ['job_owner', escaped(job.owner)],
    ['job_state', state],
    ['start_time', String(Math.floor(at / 1000))],
    ['queue_name', escaped(queue)],
    ['pe_master', 'MASTER'],
    ...(tasks === null ? [] : [['taskid', tasks] as [string, string]]),
  ]
  const lines = values.map(
    ([name, value]) => `   <jobvalue jobid='${job.id}' name='${name}'>${value}</jobvalue>\n`,
  )
  return ` <job name='${job.id}'>\n${lines.join('')} </job>\n`
}

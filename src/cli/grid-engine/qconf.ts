/** qconf: what clients read of the configuration; changes of it are refused with the way that there is. */
import type { NodeView } from '../../../proto/node.ts'
import type { ProgramContext } from '../programs.ts'
import { Failure, gridEngineProgram } from './failure.ts'
import { environmentNames } from './parallel-environments.ts'

type Show = (context: ProgramContext, words: readonly string[]) => Promise<string>

export const program = gridEngineProgram(async (context) => {
  const { terminal, argv } = context
  const [flag, ...words] = argv
  const shows = flag === undefined ? undefined : Object.hasOwn(all, flag) ? all[flag] : undefined
  if (flag === '-help') {
    terminal.out(
      `SGE 8.1.9 (Evergrid)\nusage: qconf [options]\n   ${Object.keys(all).join('\n   ')}\n`,
    )
    return 0
  }
  if (shows !== undefined) {
    terminal.out(await shows(context, words))
    return 0
  }
  throw new Failure(await refusal(context, flag ?? ''), 1)
})

/** Who could not change it is told that; who could, that qconf is not the way. */
async function refusal({ client, account }: ProgramContext, flag: string): Promise<string> {
  const isChange = /^-(?:[aAmMdD]\w*|purge|rattr|Rattr|k\w*|cq|clearusage)$/.test(flag)
  if (!isChange) return `error: invalid option argument "${flag}"\nUsage: qconf -help`
  const { rights } = await (await client()).call('whoAmI')
  return rights === 'manager'
    ? `qconf ${flag}: the configuration is not changed by qconf here; see eg help and docs/operating.md`
    : `denied: "${account().user}" must be manager for this operation`
}

const none =
  (what: string): Show =>
  () =>
    Promise.reject(new Failure(`no ${what} defined`, 1))

const nodesOf = async ({ client }: ProgramContext): Promise<NodeView[]> =>
  (await (await client()).call('listNodes')).nodes
const lines = (names: readonly string[]): string => names.map((name) => `${name}\n`).join('')
const nodeNames: Show = async (context) => lines((await nodesOf(context)).map(({ name }) => name))
const fixed =
  (text: string): Show =>
  () =>
    Promise.resolve(text)

/** Keys and values in two columns, as Grid Engine prints its objects. */
const columns = (width: number, pairs: string): string =>
  pairs
    .trim()
    .split('\n')
    .map((pair) => {
      const at = pair.indexOf(' ')
      return `${pair.slice(0, at).padEnd(width)} ${pair.slice(at + 1)}\n`
    })
    .join('')

const environment: Show = ({ terminal }, [name = '']) =>
  environmentNames(terminal.env).includes(name)
    ? Promise.resolve(columns(18, environmentPairs.replace('NAME', name)))
    : Promise.reject(new Failure(`${name} is not a parallel environment`, 1))

/** All of them give the slots of one node. */
const environmentPairs = `
pe_name NAME
slots 999
user_lists NONE
xuser_lists NONE
start_proc_args NONE
stop_proc_args NONE
allocation_rule $pe_slots
control_slaves TRUE
job_is_first_task TRUE
urgency_slots min
accounting_summary TRUE
qsort_args NONE`

const infinite = ['rt', 'cpu', 'fsize', 'data', 'stack', 'core', 'rss', 'vmem']
  .flatMap((name) => [`s_${name} INFINITY`, `h_${name} INFINITY`])
  .join('\n')

/** Those that the site has made, beside the one of all one-off jobs. */
const queueNames: Show = async ({ client }) => {
  const { queues } = await (await client()).call('listQueues')
  const made = queues.filter(({ builtIn }) => !builtIn).map(({ name }) => name)
  return lines(['all.q', ...made].toSorted())
}

/** The usual ones in Grid Engine's order. */
const peList = ({ terminal }: ProgramContext): string =>
  [...new Set(['make', 'smp', 'mpi', ...environmentNames(terminal.env)])].join(' ')

const queue: Show = async (context, [name = '']) => {
  const known = (await queueNames(context, [])).split('\n')
  if (!known.includes(name.replace(/@.*$/, '')))
    throw new Failure(`No cluster queue or queue instance matches the phrase "${name}"`, 1)
  const slots = (await nodesOf(context)).map((node) => node.slots)
  const pairs = `
qname ${name.replace(/@.*$/, '')}
hostlist @allhosts
seq_no 0
load_thresholds NONE
suspend_thresholds NONE
nsuspend 1
suspend_interval 00:05:00
priority 0
min_cpu_interval 00:05:00
processors UNDEFINED
qtype BATCH INTERACTIVE
ckpt_list NONE
pe_list ${peList(context)}
rerun FALSE
slots ${Math.max(0, ...slots)}
tmpdir /tmp
shell /bin/sh
prolog NONE
epilog NONE
shell_start_mode posix_compliant
starter_method NONE
suspend_method NONE
resume_method NONE
terminate_method NONE
notify 00:00:60
owner_list NONE
user_lists NONE
xuser_lists NONE
subordinate_list NONE
complex_values NONE
projects NONE
xprojects NONE
calendar NONE
initial_state default
${infinite}`
  return columns(21, pairs)
}

const group: Show = async (context, [name = '']) => {
  if (name !== '@allhosts') throw new Failure(`Host group "${name}" does not exist`, 1)
  const names = (await nodesOf(context)).map((node) => node.name)
  return `group_name @allhosts\nhostlist ${names.length === 0 ? 'NONE' : names.join(' ')}\n`
}

const resolvedGroup: Show = async (context, words) => {
  const [, hosts = ''] = (await group(context, words)).trimEnd().split('\nhostlist ')
  return `${hosts}\n`
}

const configuration: Show = fixed(
  `#global:\n${columns(
    28,
    `
shell_start_mode posix_compliant
login_shells bash,sh,ksh,csh,tcsh
min_uid 1000
reporting_params accounting=true reporting=false
finished_jobs 0
qlogin_command builtin
rlogin_command builtin
rsh_command builtin`,
  )}`,
)

const globalConfiguration: Show = (context, [host]) =>
  host === undefined || host === 'global'
    ? configuration(context, [])
    : Promise.reject(new Failure(`can't resolve hostname "${host}": can't resolve host name`, 1))

const oneHost: Show = async (context, [name = '']) => {
  const node = (await nodesOf(context)).find((one) => one.name === name)
  if (node === undefined) throw new Failure(`can't resolve hostname "${name}"`, 1)
  const memory = `${(node.memBytes / 2 ** 20).toFixed(6)}M`
  const pairs = `
hostname ${name}
load_scaling NONE
complex_values NONE
load_values arch=${node.labels['arch'] === 'arm64' ? 'lx-arm64' : 'lx-amd64'},mem_total=${memory}
processors ${node.slots}
user_lists NONE
xuser_lists NONE
projects NONE
xprojects NONE
usage_scaling NONE
report_variables NONE`
  return columns(21, pairs)
}

const schedulerConfiguration: Show = fixed(
  columns(
    33,
    `
algorithm default
schedule_interval 0:0:0
maxujobs 0
flush_submit_sec 0
flush_finish_sec 0
schedd_job_info true
weight_priority 1.000000
default_duration INFINITY`,
  ),
)

const complexList: Show = async () => {
  const { complexText } = await import('./complexes.ts')
  return complexText()
}

const managers: Show = () => Promise.resolve('root\n')

const all: Readonly<Record<string, Show>> = {
  '-sc': complexList,
  '-scall': none('calendar'),
  '-sckptl': none('ckpt interface definition'),
  '-sconf': globalConfiguration,
  '-se': oneHost,
  '-sel': nodeNames,
  '-sh': nodeNames,
  '-shgrp': group,
  '-shgrp_resolved': resolvedGroup,
  '-shgrpl': fixed('@allhosts\n'),
  '-sm': managers,
  '-so': none('operator'),
  '-sp': environment,
  '-spl': ({ terminal }) => Promise.resolve(lines(environmentNames(terminal.env))),
  '-sprjl': none('project list'),
  '-sq': queue,
  '-sql': queueNames,
  '-srqsl': none('resource quota set list'),
  '-ss': nodeNames,
  '-ssconf': schedulerConfiguration,
  '-sss': ({ host }) => Promise.resolve(`${host}\n`),
}

/** What `-l` asks for, in the words of a job request: memory, times, limits of the shell, and where to run. */
import { jobDefaults } from '../../../proto/job-defaults.ts'
import type { JobRequest } from '../../../proto/job.ts'
import { complexOf } from './complexes.ts'
import { Failure } from './failure.ts'
import type { Said } from './option-table.ts'
import { matches, memoryValue, timeValue } from './values.ts'

export type Resource = { name: string; value: string }

/** Later ones win over earlier ones of the same name; `-soft` makes what follows it a wish. */
export function resourcesOf(said: readonly Said[]): { hard: Resource[]; soft: Resource[] } {
  const lists = { hard: new Map<string, string>(), soft: new Map<string, string>() }
  let list: keyof typeof lists = 'hard'
  for (const { flag, words } of said) {
    if (flag === '-hard') list = 'hard'
    if (flag === '-soft') list = 'soft'
    if (flag !== '-l') continue
    for (const part of (words[0] ?? '').split(',').filter((one) => one !== '')) {
      const at = part.indexOf('=')
      const name = at < 0 ? part : part.slice(0, at)
      const value = at < 0 ? 'TRUE' : part.slice(at + 1)
      lists[list].set(complexOf(name)?.name ?? name, value)
    }
  }
  const entries = (map: Map<string, string>) => [...map].map(([name, value]) => ({ name, value }))
  return { hard: entries(lists.hard), soft: entries(lists.soft) }
}

/** The hard ones, where all that is asked for may be asked for. */
export function judgedResources(said: readonly Said[]): Resource[] {
  const { hard, soft } = resourcesOf(said)
  for (const one of [...hard, ...soft]) checkValue(one)
  // A wish for a label would change nothing; what is none of Grid Engine's is unknown, as it says.
  const unknown = soft.find((one) => complexOf(one.name) === null)
  if (unknown) throw new Failure(`unknown resource "${unknown.name}"`, 1)
  return hard
}

/** Refuses a value of another type than the complex has; the text stands alone, for qsub and qalter word around it. */
function checkValue({ name, value }: Resource): void {
  const type = complexOf(name)?.type
  if (type === 'MEMORY' && memoryValue(value) === null)
    throw new Failure(`attribute "${name}" is not a memory value`, 1)
  if (type === 'TIME' && timeValue(value) === null)
    throw new Failure(`attribute "${name}" is not a time value`, 1)
}

export type Asked = {
  request: Partial<JobRequest>
  /** Arguments of prlimit(1) for limits that each process has. */
  processLimits: string[]
  /** Neither complexes of ours nor of a fresh Grid Engine: they may be labels of nodes. */
  labels: string[]
  /** Of `-l qname=…` and `-l slots=…`. */
  queue: string | null
  slots: number | null
}

export function askedFor(hard: readonly Resource[], slots: number): Asked {
  const values = new Map(hard.map(({ name, value }) => [name, value]))
  const asked: Asked = { request: {}, processLimits: [], labels: [], queue: null, slots: null }
  const where: Record<string, string> = {}
  for (const [name, value] of values) place(asked, where, name, value)
  Object.assign(asked.request, memory(values, asked.slots ?? slots), times(values))
  if (Object.keys(where).length > 0) asked.request.where = where
  asked.processLimits.push(...processLimits(values))
  return asked
}

const ourArch = 'lx-amd64'
const handled =
  /^(h_rt|s_rt|[hs]_vmem|[hs]_rss|mem_free|virtual_free|ram_free|m_mem_free|[hs]_(cpu|fsize|data|stack|core))$/

function place(asked: Asked, where: Record<string, string>, name: string, value: string): void {
  if (handled.test(name)) return
  if (name === 'hostname' && !/[*?[|&!]/.test(value)) where['hostname'] = value
  else if (name === 'hostname' && value === '*') return
  else if (name === 'arch') {
    if (matches(value, ourArch)) where['arch'] = 'x64'
    else if (!value.includes('arm64') && value !== '*') throw new Failure(noArch(value), 1)
    else if (value !== '*') where['arch'] = 'arm64'
  } else if (name === 'qname') asked.queue = value
  else if (name === 'slots') asked.slots = Number(value) || 1
  else if (complexOf(name) === null) {
    asked.labels.push(name)
    where[name] = value
  } else {
    throw new Failure(
      `-l ${name}=${value} cannot be asked for here; name nodes by their labels (-l LABEL=VALUE, -l hostname=HOST)`,
      1,
    )
  }
}

const noArch = (value: string) =>
  `no node has the architecture "${value}"; here it is ${ourArch} or lx-arm64`

/** h_vmem is for each slot, and the limit of the whole job; what only must be free is never less than the usual. */
function memory(values: ReadonlyMap<string, string>, slots: number): Partial<JobRequest> {
  const size = (name: string) => {
    const bytes = memoryValue(values.get(name) ?? '') ?? 0
    return Number.isFinite(bytes) ? bytes : 0
  }
  const limit = size('h_vmem') || size('s_vmem')
  if (limit > 0) return { memBytes: Math.max(2 ** 20, limit * slots) }
  const names = ['mem_free', 'virtual_free', 'ram_free', 'm_mem_free', 'h_rss', 's_rss']
  const wanted = Math.max(...names.map(size))
  return wanted > 0 ? { memBytes: Math.max(jobDefaults.memBytes, wanted) } : {}
}

/** s_rt is the time of the warning, h_rt of the end. */
function times(values: ReadonlyMap<string, string>): Partial<JobRequest> {
  const soft = timeValue(values.get('s_rt') ?? '') ?? Number.POSITIVE_INFINITY
  const hard = timeValue(values.get('h_rt') ?? '') ?? Number.POSITIVE_INFINITY
  if (!Number.isFinite(hard)) {
    if (!Number.isFinite(soft)) return {}
    throw new Failure('-l s_rt needs -l h_rt beside it: a warning is given before an end', 1)
  }
  const timeMs = Math.max(1, hard) * 1000
  if (soft >= hard) return { timeMs }
  return { timeMs, warn: { signal: 'SIGUSR1', beforeMs: timeMs - soft * 1000 } }
}

const limitNames = ['cpu', 'fsize', 'data', 'stack', 'core'] as const

function processLimits(values: ReadonlyMap<string, string>): string[] {
  return limitNames.flatMap((name) => {
    const read = name === 'cpu' ? timeValue : memoryValue
    const [soft, hard] = [`s_${name}`, `h_${name}`].map((key) => {
      const said = values.get(key)
      const value = said === undefined ? null : read(said)
      return value === null ? null : Number.isFinite(value) ? String(value) : 'unlimited'
    })
    if (!soft && !hard) return []
    return [`--${name}=${soft ?? hard}:${hard ?? ''}`]
  })
}

/** What a job asked for, for `qstat -r`: read from what qsub kept with it. */
import type { JobDetail } from '../../../proto/job.ts'
import { printable } from '../render/table.ts'
import { complexOf } from './complexes.ts'
import { allSaid, lastSaid } from './option-table.ts'
import { resourcesOf, type Resource } from './resources.ts'
import { readNote, saidOf } from './submit-note.ts'
import { timeValue } from './values.ts'

export type Requested = {
  hard: Resource[]
  soft: Resource[]
  pe: { name: string; range: string } | null
  queue: string | null
  predecessors: string[]
}

export function requestedBy({ spec }: JobDetail): Requested {
  const note = readNote(spec.notes)
  const said = note === null ? [] : saidOf(note)
  const { hard, soft } = resourcesOf(said)
  const [name, range] = said.findLast(({ flag }) => flag === '-pe')?.words ?? []
  return {
    hard: hard.map(inSeconds),
    soft: soft.map(inSeconds),
    pe: name === undefined || range === undefined ? null : { name, range },
    queue: lastSaid(said, '-q') ?? null,
    predecessors: allSaid(said, '-hold_jid').flatMap((list) => list.split(',')),
  }
}

/** Times as seconds, as Grid Engine keeps them. */
export function inSeconds({ name, value }: Resource): Resource {
  const seconds = complexOf(name)?.type === 'TIME' ? timeValue(value) : null
  return { name, value: seconds !== null && Number.isFinite(seconds) ? String(seconds) : value }
}

/** The lines under a job in the text form. */
export function requestedLines(asked: Requested, name: string, instance: string): string {
  const line = (label: string, value: string) => `       ${label.padEnd(18)}${printable(value)}\n`
  const list = (label: string, resources: readonly Resource[], suffix: string) => {
    const [first, ...rest] = resources.map((one) => `${one.name}=${one.value}${suffix}`)
    return line(label, first ?? '') + rest.map((one) => line('', one)).join('')
  }
  return [
    line('Full jobname:', name),
    instance === '' ? '' : line('Master Queue:', instance),
    asked.pe === null ? '' : line('Requested PE:', `${asked.pe.name} ${asked.pe.range}`),
    list('Hard Resources:', asked.hard, ' (0.000000)'),
    list('Soft Resources:', asked.soft, ''),
    asked.queue === null ? '' : line('Hard requested queues:', ` ${asked.queue}`),
    asked.predecessors.length === 0
      ? ''
      : line('Predecessor Jobs (request):', ` ${asked.predecessors.join(', ')}`),
    line('Binding:', 'NONE'),
  ].join('')
}

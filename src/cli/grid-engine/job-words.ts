/** Jobs as qdel and its kin name them: `17`, `17.3`, `17.2-6:2`, `17 -t 2-3`, names and patterns, in lists. */
import { Failure } from './failure.ts'
import type { Said } from './option-table.ts'
import { taskRange } from './values.ts'

export type JobWord =
  | { kind: 'job'; id: string; tasks: number[] | null }
  | { kind: 'name'; name: string }

export function jobWords(operands: readonly string[], said: readonly Said[]): JobWord[] {
  return operands.flatMap((operand, at) => {
    const range = said.find(({ flag, after }) => flag === '-t' && after === at + 1)?.words[0]
    return operand
      .split(',')
      .filter((word) => word !== '')
      .map((word) => oneWord(word, range))
  })
}

function oneWord(word: string, range: string | undefined): JobWord {
  if (!/^\d/.test(word)) return { kind: 'name', name: word }
  const [, id = '', own] = /^(\d+)(?:\.(.+))?$/.exec(word) ?? []
  const text = own ?? range
  const tasks = text === undefined ? null : indexes(text)
  if (id === '' || Number(id) === 0 || (text !== undefined && tasks === null))
    throw new Failure(`error: ERROR! "${word}" is an invalid job-task identifier`, 1)
  return { kind: 'job', id, tasks }
}

function indexes(text: string): number[] | null {
  const range = taskRange(text)
  if (range === null) return null
  const count = Math.floor((range.to - range.from) / range.step) + 1
  return Array.from({ length: count }, (_, at) => range.from + at * range.step)
}

/** The word as references of the API. */
export const refsOf = (word: Extract<JobWord, { kind: 'job' }>): string[] =>
  word.tasks === null ? [word.id] : word.tasks.map((task) => `${word.id}.${task}`)

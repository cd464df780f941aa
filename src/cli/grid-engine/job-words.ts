/** Jobs as qdel and its kin name them: `17`, `17.3`, `17.2-6:2`, `17 -t 2-3`, names and patterns, in lists. */
import { Failure } from './failure.ts'
import type { Said } from './option-table.ts'
import { taskRange } from './values.ts'

export type JobWord =
  | { kind: 'job'; id: string; tasks: number[] | null }
  | { kind: 'name'; name: string }

/** As many as the API takes at once. */
const mostTasks = 100_000

export function jobWords(operands: readonly string[], said: readonly Said[]): JobWord[] {
  const ranges = said.filter(({ flag }) => flag === '-t')
  if (ranges.some(({ after }) => after === 0)) throw invalid('-t stands behind its job')
  return operands.flatMap((operand, at) => {
    const own = ranges.filter(({ after }) => after === at + 1).flatMap(({ words }) => words)
    return operand
      .split(',')
      .filter((word) => word !== '')
      .map((word) => oneWord(word, own))
  })
}

const invalid = (problem: string): Failure => new Failure(`error: ERROR! ${problem}`, 1)

/** What names some tasks must never come to mean the whole job. */
function oneWord(word: string, ranges: readonly string[]): JobWord {
  if (!/^\d/.test(word)) {
    if (ranges.length > 0) throw invalid(`-t takes a job by its number, and "${word}" is a name`)
    return { kind: 'name', name: word }
  }
  const [, id = '', own] = /^(\d+)(?:\.(.+))?$/.exec(word) ?? []
  const texts = own === undefined ? ranges : [own]
  const lists = texts.map(indexes)
  if (id === '' || Number(id) === 0 || lists.includes(null))
    throw invalid(`"${word}" is an invalid job-task identifier`)
  const tasks = lists.flatMap((list) => list ?? [])
  if (tasks.length > mostTasks) throw invalid(`"${word}": at most ${mostTasks} tasks at once`)
  return { kind: 'job', id, tasks: texts.length === 0 ? null : tasks }
}

/** One more than may be is enough to know that they are too many. */
function indexes(text: string): number[] | null {
  const range = taskRange(text)
  if (range === null) return null
  const count = Math.floor((range.to - range.from) / range.step) + 1
  const length = Math.min(count, mostTasks + 1)
  return Array.from({ length }, (_, at) => range.from + at * range.step)
}

/** The word as references of the API. */
export const refsOf = (word: Extract<JobWord, { kind: 'job' }>): string[] =>
  word.tasks === null ? [word.id] : word.tasks.map((task) => `${word.id}.${task}`)

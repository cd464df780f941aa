/** What qsub keeps with a job of what it was told, so that qstat and qacct can tell it as Grid Engine does. */
import type { Said } from './option-table.ts'
import type { Told } from './submit-sources.ts'
import { variables } from './values.ts'

export type SubmitNote = {
  flags: [flag: string, ...words: string[]][]
  /** Command or script, and its arguments. */
  words: string[]
  isBinary: boolean
  cwd: string
}

/** Said by other means: in the spec, or only at the submit. */
const untold = new Set(['-V', '-b', '-terse', '-sync', '-now', '-C', '-clear', '-w', '-verify'])

export function noteOf(told: Told, cwd: string): Record<string, string> {
  const note: SubmitNote = {
    flags: told.said
      .filter(({ flag }) => !untold.has(flag))
      .map(({ flag, words }) => [flag, ...(flag === '-v' ? words.map(namesOnly) : words)]),
    words: told.words,
    isBinary: told.isBinary,
    cwd,
  }
  return { qsub: JSON.stringify(note) }
}

/** Values are in the spec's environment, which is not told to everybody. */
const namesOnly = (list: string): string =>
  variables(list)
    .map(([name]) => name)
    .join(',')

/** Null: submitted by another command, or nothing that qsub wrote: anybody may write notes of his jobs. */
export function readNote(notes: Readonly<Record<string, string>> | undefined): SubmitNote | null {
  try {
    const note: unknown = JSON.parse(notes?.['qsub'] ?? 'null')
    return isNote(note) ? note : null
  } catch {
    return null
  }
}

function isNote(note: unknown): note is SubmitNote {
  if (typeof note !== 'object' || note === null) return false
  const { flags, words, isBinary, cwd } = note as Partial<Record<keyof SubmitNote, unknown>>
  return (
    Array.isArray(flags) &&
    flags.every((flag) => isTexts(flag) && flag.length > 0) &&
    isTexts(words) &&
    typeof isBinary === 'boolean' &&
    typeof cwd === 'string'
  )
}

const isTexts = (list: unknown): list is string[] =>
  Array.isArray(list) && list.every((word) => typeof word === 'string')

export const saidOf = (note: SubmitNote): Said[] =>
  note.flags.map(([flag, ...words]) => ({ flag, words, after: 0 }))

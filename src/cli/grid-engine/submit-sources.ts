/** All that a submit was told, from the sge_request files to the command line, and the script it brings. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { Failure, usageFailure } from './failure.ts'
import {
  fileWords,
  joined,
  readSource,
  requestFiles,
  scriptWords,
  withOptionFiles,
} from './option-sources.ts'
import { isSaid, lastSaid, readFlags, type FlagTable, type Said } from './option-table.ts'
import { yesNo } from './values.ts'

export type Told = {
  said: Said[]
  isBinary: boolean
  /** Of a binary: command and arguments; of a script: its name and the arguments. */
  words: string[]
  script: string | null
}

type World = {
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  readInput: () => string
}

export function readSources(
  command: string,
  table: FlagTable,
  argv: readonly string[],
  world: World,
): Told {
  const expanded = withOptionFiles(argv, table, (path) => readOrNull(resolve(world.cwd, path)))
  if (!expanded.ok) throw usageFailure(command, expanded.problem, 7)
  const line = readFlags(table, expanded.argv, { endsWithOperand: true })
  if (!line.ok) throw usageFailure(command, line.problem)
  const defaults = requestFiles(world.env, world.cwd).flatMap((path) => {
    const text = readOrNull(path)
    return text === null ? [] : [flagsOf(command, table, fileWords(text))]
  })
  const before = joined([...defaults, line.said])
  if (isSaid(line.said, '-help'))
    return { said: line.said, isBinary: true, words: [], script: null }
  const isBinary = flagValue(command, before, '-b') ?? false
  if (isBinary && line.operands.length === 0)
    throw usageFailure(command, 'command required for a binary job')
  if (isBinary) return { said: before, isBinary, words: line.operands, script: null }
  const [path = '-', ...rest] = line.operands
  const script = path === '-' ? inputScript(world.readInput()) : scriptFile(path, world.cwd)
  const own = flagsOf(command, table, scriptWords(script, lastSaid(before, '-C') ?? '#$'))
  const said = joined([...defaults, own, line.said])
  return { said, isBinary, words: [path === '-' ? 'STDIN' : path, ...rest], script }
}

function flagsOf(command: string, table: FlagTable, words: string[]): Said[] {
  const read = readSource(table, words)
  if (!read.ok) throw usageFailure(command, read.problem)
  return read.said
}

/** Null: not said. */
export function flagValue(command: string, said: readonly Said[], flag: string): boolean | null {
  const text = lastSaid(said, flag)
  if (text === undefined) return null
  const value = yesNo(text)
  if (value === null) throw usageFailure(command, `invalid option argument "${flag} ${text}"`, 7)
  return value
}

const unreadable = 'Unable to read script file because of error:'

function inputScript(text: string): string {
  if (text === '') throw new Failure(`${unreadable} no input read from stdin`, 4)
  return text
}

function scriptFile(path: string, cwd: string): string {
  try {
    return readFileSync(resolve(cwd, path), 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EISDIR')
      throw new Failure(
        `error: fread("${path}") failed: Is a directory\n${unreadable} error reading from file ${path}`,
        4,
      )
    const why = code === 'EACCES' ? 'Permission denied' : 'No such file or directory'
    throw new Failure(`${unreadable} error opening ${path}: ${why}`, 14)
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

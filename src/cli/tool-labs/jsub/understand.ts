/** A whole jsub command line, with `.jsubrc`, the program's `#$` lines and the program itself looked up. */
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs'
import { posix } from 'node:path'

import { joined } from '../../grid-engine/option-sources.ts'
import { readHead, readJsub, readJsubrc, type Source } from './flags.ts'
import { jsubJob, type JsubJob, type World } from './job.ts'

export type LookedUp =
  | { ok: true; job: JsubJob; program: string }
  | { ok: false; what: 'usage' | 'no-program'; problem: string }
  | { ok: false; what: 'not-executable'; problem: string; job: JsubJob }

export type Surroundings = Omit<World, 'isFolder' | 'throughShell'>

/** What comes later wins: `.jsubrc`, the program's own lines, the command line. */
export function understandJsub(
  name: string,
  argv: readonly string[],
  around: Surroundings,
): LookedUp {
  const wrong = (problem: string) => ({ ok: false, what: 'usage', problem }) as const
  const line = readJsub(name, argv)
  if (!line.ok)
    return wrong(
      line.problem.replace(/^invalid option argument "(.*)"$/, 'unrecognized arguments: $1'),
    )
  const [word, ...args] = line.operands
  if (word === undefined) return wrong('the following arguments are required: program, args')
  const program = findProgram(word, around)
  if (program === null) {
    const problem = `argument program: Program '${word}' not found.`
    return { ok: false, what: 'no-program', problem }
  }
  const sources: Source[] = [
    readJsubrc(textOf(around.env['JOBUTILS_JSUBRC'] ?? posix.join(around.home, '.jsubrc')) ?? ''),
    readHead(headOf(program)),
  ]
  for (const source of sources) if (!source.ok) return wrong(source.problem)
  const said = joined([...sources.map((source) => (source.ok ? source.said : [])), line.said])
  const world = { ...around, isFolder, throughShell: around.env['EVERGRID_JSUB_SHELL'] === '1' }
  const understood = jsubJob(said, [program, ...args], world)
  if (!understood.ok) return wrong(understood.problem)
  return isExecutable(program)
    ? { ok: true, job: understood.job, program }
    : {
        ok: false,
        what: 'not-executable',
        problem: `${program}: not an executable file`,
        job: understood.job,
      }
}

/** An absolute path as it is; else along PATH, else in the working folder. */
function findProgram(word: string, { env, cwd }: Surroundings): string | null {
  if (posix.isAbsolute(word)) return exists(word) ? posix.normalize(word) : null
  const folders = [...(env['PATH'] ?? '').split(':').filter((folder) => folder !== ''), cwd]
  return folders.map((folder) => posix.resolve(cwd, folder, word)).find(exists) ?? null
}

function exists(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

const headBytes = 65_536

/** Programs may be long, and no text. */
function headOf(path: string): string {
  try {
    const file = openSync(path, 'r')
    const bytes = Buffer.alloc(headBytes)
    const length = readSync(file, bytes, 0, headBytes, 0)
    closeSync(file)
    return bytes.toString('latin1', 0, length)
  } catch {
    return ''
  }
}

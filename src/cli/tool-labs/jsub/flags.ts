/** jsub's flags, and where else they may stand: `~/.jsubrc`, and `#$` lines at the head of the program. */
import { scriptWords } from '../../grid-engine/option-sources.ts'
import {
  readFlags,
  type FlagTable,
  type ReadFlags,
  type Said,
} from '../../grid-engine/option-table.ts'
import { submitFlags } from '../../grid-engine/submit-flags.ts'

/** What jsub hands on to qsub as it is. */
const ofQsub = [
  '-N',
  '-a',
  '-b',
  '-cwd',
  '-e',
  '-hard',
  '-i',
  '-j',
  '-l',
  '-M',
  '-m',
  '-now',
  '-o',
  '-p',
  '-q',
  '-soft',
  '-sync',
  '-v',
  '-wd',
] as const

const jsubFlags: FlagTable = {
  ...Object.fromEntries(ofQsub.map((flag) => [flag, submitFlags[flag]])),
  '-continuous': {},
  '-mem': { takes: 1 },
  '-once': {},
  '-quiet': {},
  '-release': { takes: 1 },
  '-stderr': {},
  '-umask': { takes: 1 },
}

/** The name it is called by says two flags of the command line. */
const saidByName: Readonly<Record<string, readonly string[]>> = {
  jstart: ['-continuous', '-once'],
  qcronsub: ['-once'],
}

/** The flags of a command line, and the program with its words. */
export function readJsub(name: string, argv: readonly string[]): ReadFlags {
  return readFlags(jsubFlags, [...(saidByName[name] ?? []), ...argv], { endsWithOperand: true })
}

export type Source = { ok: true; said: Said[] } | { ok: false; problem: string }

/** `~/.jsubrc`: one flag a line; its word ends at a blank or at `#`. */
export function readJsubrc(text: string): Source {
  const words = text.split('\n').flatMap((line) => {
    const [, flag, word] = /^\s*(-\w+)(?:[ \t]+([^\s#]+))?/.exec(line) ?? []
    return flag === undefined ? [] : word === undefined ? [flag] : [flag, word]
  })
  return wholeSource('.jsubrc', words)
}

/** Lines at the head of a program, as long as they begin with `#!` or `#$`. */
export function readHead(program: string): Source {
  const lines = program.split('\n')
  const end = lines.findIndex((line) => !/^#[!$]/.test(line))
  const head = end < 0 ? lines : lines.slice(0, end)
  return wholeSource('a #$ line', scriptWords(head.join('\n')))
}

function wholeSource(where: string, words: readonly string[]): Source {
  const read = readFlags(jsubFlags, words)
  if (!read.ok) return { ok: false, problem: `${where}: ${read.problem}` }
  const [odd] = read.operands
  if (odd !== undefined) return { ok: false, problem: `${where}: "${odd}" is no flag` }
  return { ok: true, said: read.said }
}

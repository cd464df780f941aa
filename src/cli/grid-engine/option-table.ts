/**
 * Reads command lines in Grid Engine's manner: flags of one dash and many letters, with a fixed number of words after
 * them (`-cwd`, `-j y`, `-pe smp 4`), in any order, said any number of times.
 *
 * A command has a table of its flags (see submit-flags.ts for those of qsub). `readFlags(table, argv)` gives all that
 * was said in its order, so that the caller can let the last one win, or gather all of them. Commands with flags of
 * their own beside Grid Engine's spread the table: `{ ...submitFlags, '-once': {} }`. The same table reads `#$` lines
 * and option files: see option-sources.ts.
 */

export type Flag = {
  /** How many words follow it, always; 0 where left out. */
  takes?: 1 | 2
  /** One word may follow: it does if it begins with no dash. */
  mayTake?: true
}
export type FlagTable = Readonly<Record<string, Flag>>

/** One flag as it was said; `after` is how many operands stood before it. */
export type Said = { flag: string; words: string[]; after: number }
export type FlagLine = { said: Said[]; operands: string[] }
/** Worded without the command's name: the caller puts `qsub: ` before it. */
export type ReadFlags = ({ ok: true } & FlagLine) | { ok: false; problem: string }

export type ReadOptions = {
  /** With the first operand the flags end: what follows is a command with flags of its own. */
  endsWithOperand?: boolean
  /** What no flag of the table is, is an operand: so qdel takes any word for the name of a job. */
  unknownIsOperand?: boolean
}

export function readFlags(
  table: FlagTable,
  argv: readonly string[],
  { endsWithOperand = false, unknownIsOperand = false }: ReadOptions = {},
): ReadFlags {
  const said: Said[] = []
  const operands: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    const flag = Object.hasOwn(table, word) ? table[word] : undefined
    if (flag === undefined) {
      const isOperand = !/^-./.test(word) || unknownIsOperand
      if (!isOperand) return { ok: false, problem: `invalid option argument "${word}"` }
      if (endsWithOperand) return { ok: true, said, operands: argv.slice(at) }
      operands.push(word)
      continue
    }
    const words = wordsOf(flag, argv, at)
    if (words === null) return { ok: false, problem: `${word} option must have argument` }
    said.push({ flag: word, words, after: operands.length })
    at += words.length
  }
  return { ok: true, said, operands }
}

function wordsOf(flag: Flag, argv: readonly string[], at: number): string[] | null {
  if (flag.mayTake) {
    const next = argv[at + 1]
    return next === undefined || next.startsWith('-') ? [] : [next]
  }
  const count = flag.takes ?? 0
  const words = argv.slice(at + 1, at + 1 + count)
  return words.length === count ? words : null
}

/** The word after the last time that `flag` was said. */
export const lastSaid = (said: readonly Said[], flag: string): string | undefined =>
  said.findLast((one) => one.flag === flag)?.words[0]

export const isSaid = (said: readonly Said[], flag: string): boolean =>
  said.some((one) => one.flag === flag)

/** All words that were said after `flag`, in order. */
export const allSaid = (said: readonly Said[], flag: string): string[] =>
  said.filter((one) => one.flag === flag).flatMap(({ words }) => words)

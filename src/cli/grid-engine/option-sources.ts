/**
 * Where flags stand beside the command line: `#$` lines in a script, `-@ FILE`, and the sge_request files. What comes
 * later wins: cluster, home, working folder, script, command line.
 */
import { readFlags, type FlagTable, type ReadFlags, type Said } from './option-table.ts'

export type ReadText = (path: string) => string | null

/** Words as a shell would split them: blanks part them, quotes and backslashes hold them together. */
export function splitWords(text: string): string[] {
  const words: string[] = []
  let word: string | null = null
  for (const [, double, single, escaped, blank, plain] of text.matchAll(
    /"((?:[^"\\]|\\[^])*)"?|'([^']*)'?|\\([^])|(\s+)|([^\s"'\\]+)/g,
  )) {
    if (blank !== undefined) {
      if (word !== null) words.push(word)
      word = null
    } else {
      const part = double?.replaceAll(/\\(["\\$`])/g, '$1') ?? single ?? escaped ?? plain ?? ''
      word = (word ?? '') + part
    }
  }
  if (word !== null) words.push(word)
  return words
}

/** The words of a script's `#$` lines; an empty prefix means that there are none. */
export function scriptWords(script: string, prefix = '#$'): string[] {
  if (prefix === '') return []
  return script
    .split('\n')
    .filter((line) => line.startsWith(prefix))
    .flatMap((line) => splitWords(line.slice(prefix.length).replace(/\r$/, '')))
}

/** The words of an option file: `#` begins a line that is only for people. */
export const fileWords = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .flatMap(splitWords)

/** Each `-@ FILE` replaced by what stands in the file, which may name further files. */
export function withOptionFiles(
  argv: readonly string[],
  table: FlagTable,
  read: ReadText,
  depth = 0,
): { ok: true; argv: string[] } | { ok: false; problem: string } {
  const at = optionFileAt(argv, table)
  if (at < 0) return { ok: true, argv: [...argv] }
  const path = argv[at + 1]
  if (path === undefined) return { ok: false, problem: '-@ option must have argument' }
  const text = depth > 10 ? null : read(path)
  if (text === null) {
    return { ok: false, problem: `-@ ${path}: ${depth > 10 ? 'names itself' : 'cannot be read'}` }
  }
  const inner = withOptionFiles(fileWords(text), table, read, depth + 1)
  if (!inner.ok) return inner
  const rest = withOptionFiles(argv.slice(at + 2), table, read, depth)
  return rest.ok ? { ok: true, argv: [...argv.slice(0, at), ...inner.argv, ...rest.argv] } : rest
}

/** Not in the command of the job, whose own flags are none of ours. */
function optionFileAt(argv: readonly string[], table: FlagTable): number {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '-@') return at
    const flag = Object.hasOwn(table, word) ? table[word] : undefined
    if (flag === undefined) return -1
    at += flag.takes ?? 0
  }
  return -1
}

/** The sge_request files that there may be, from the one that yields to the one that wins. */
export function requestFiles(
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): string[] {
  const { SGE_ROOT: root, SGE_CELL: cell, HOME: home } = env
  return [
    ...(root ? [`${root}/${cell || 'default'}/common/sge_request`] : []),
    ...(home ? [`${home}/.sge_request`] : []),
    ...(cwd === home ? [] : [`${cwd}/.sge_request`]),
  ]
}

/** Flags of a source that holds no command. */
export function readSource(table: FlagTable, words: readonly string[]): ReadFlags {
  return readFlags(table, words)
}

/** One list, in which later sources win: `-clear` in one of them drops all that the earlier ones said. */
export function joined(sources: readonly (readonly Said[])[]): Said[] {
  const from = sources.findLastIndex((said) => said.some(({ flag }) => flag === '-clear'))
  return sources.slice(Math.max(0, from)).flat()
}

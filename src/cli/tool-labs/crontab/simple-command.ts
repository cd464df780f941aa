/** Commands that need no shell, taken apart as a shell would; anything else is left to one. */
import { posix } from 'node:path'

export type Simple = {
  words: string[]
  /** Of a `cd FOLDER &&` before it. */
  folder: string | null
}

/** A comment of the shell's; where a quote follows it may be no comment. */
const comment = /(?:^|\s)#[^'"]*$/

/** Where only the report of a submission would go: without one they have nothing to say. */
const nowhere = /(?:(?:\s+[12]|\s*&?)>>?\s*\/dev\/null|\s+2>&1|\s*<\s*\/dev\/null)+\s*$/

/** Null where a shell is needed: pipes, lists, patterns, substitutions, output that goes somewhere. */
export function simpleCommand(
  command: string,
  { home, variables }: { home: string; variables: Readonly<Record<string, string>> },
): Simple | null {
  const plain = command.replace(comment, '').replace(nowhere, '')
  const moved = /^cd\s+([^\s;&|]+)\s*(?:&&|;)\s*(.+)$/.exec(plain)
  const words = wordsOf(moved?.[2] ?? plain, home, variables)
  const folder = moved === null ? null : wordsOf(moved[1] ?? '', home, variables)
  if (words === null || words.length === 0 || /^\w+=/.test(words[0] ?? '')) return null
  if (folder === null) return moved === null ? { words, folder: null } : null
  return folder.length === 1 ? { words, folder: posix.resolve(home, folder[0] ?? '') } : null
}

const token =
  /(\s+)|'([^']*)'|"((?:[^"\\$`]|\\.)*)"|\\(.)|\$(?:\{(\w+)\}|(\w+))|([^\s'"\\$`|&;<>()*?[\]{}!#~]+)|(~)(?=\/|\s|$)|(.)/gsu

function wordsOf(
  text: string,
  home: string,
  variables: Readonly<Record<string, string>>,
): string[] | null {
  const words: string[] = []
  let word: string | null = null
  for (const match of text.trim().matchAll(token)) {
    const [, blank, single, double, escaped, braced, bare, plain, tilde, other] = match
    if (other !== undefined) return null
    if (blank !== undefined) {
      if (word !== null) words.push(word)
      word = null
      continue
    }
    const name = braced ?? bare
    const value = name === undefined ? undefined : name === 'HOME' ? home : variables[name]
    // An unset variable may be a word that vanishes, one with blanks several words.
    if (name !== undefined && (value === undefined || /[\s*?[]/.test(value))) return null
    if (tilde !== undefined && word !== null) return null
    const part =
      single ??
      double?.replaceAll(/\\(["\\$`])/g, '$1') ??
      escaped ??
      value ??
      plain ??
      (tilde === undefined ? '' : home)
    word = (word ?? '') + part
  }
  if (word !== null) words.push(word)
  return words
}

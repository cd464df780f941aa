/** Reads command lines by a table: the same table prints `--help` and words the errors. */

export type Option = {
  /** What its value is called in help; without it the option takes none. */
  value?: string
  short?: string
  /** May be said several times. */
  many?: true
  help: string
}
export type OptionTable = Readonly<Record<string, Option>>

type ValueOf<O extends Option> = O extends { many: true }
  ? string[]
  : O extends { value: string }
    ? string | undefined
    : boolean
export type Values<T extends OptionTable> = { -readonly [K in keyof T]: ValueOf<T[K]> }
/** `rest` is what stands after `--`; null where there is no `--`. */
export type CommandLine<T extends OptionTable> = {
  values: Values<T>
  operands: string[]
  rest: string[] | null
}
export type ParsedLine<T extends OptionTable> =
  | { ok: true; line: CommandLine<T> }
  | { ok: false; problem: string }

/** `ends`: with the first operand the options end, because the rest is a command with options of its own. */
export function parseOptions<T extends OptionTable>(
  table: T,
  argv: readonly string[],
  { ends = false } = {},
): ParsedLine<T> {
  const values = emptyValues(table)
  const operands: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--') {
      return { ok: true, line: { values: values as Values<T>, operands, rest: argv.slice(at + 1) } }
    }
    if (!/^-./.test(word)) {
      if (ends)
        return {
          ok: true,
          line: { values: values as Values<T>, operands: [], rest: argv.slice(at) },
        }
      operands.push(word)
      continue
    }
    for (const said of splitWord(table, word)) {
      if ('problem' in said) return { ok: false, problem: said.problem }
      const option = table[said.name] as Option
      let value = said.value
      if (option.value !== undefined && value === undefined) {
        value = argv[++at]
        if (value === undefined)
          return { ok: false, problem: `${said.shown} needs ${option.value}` }
      }
      const problem = keep(values, said, option, value)
      if (problem !== null) return { ok: false, problem }
    }
  }
  return { ok: true, line: { values: values as Values<T>, operands, rest: null } }
}

/** Whether a line, be it right or wrong, says an option before its command begins. */
export function says(table: OptionTable, argv: readonly string[], name: string): boolean {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--' || !/^-./.test(word)) return false
    for (const said of splitWord(table, word)) {
      if ('problem' in said) continue
      if (said.name === name) return true
      if (table[said.name]?.value !== undefined && said.value === undefined) at++
    }
  }
  return false
}

/** The flags that a line which cannot be read says before its command begins. */
export function flagsIn<T extends OptionTable>(table: T, argv: readonly string[]): Values<T> {
  const values = emptyValues(table)
  for (const [name, { value }] of Object.entries(table))
    if (value === undefined) values[name] = says(table, argv, name)
  return values as Values<T>
}

type Loose = Record<string, string | boolean | string[] | undefined>
type Said = { name: string; shown: string; value: string | undefined }

function emptyValues(table: OptionTable): Loose {
  const values: Loose = {}
  for (const [name, { value, many }] of Object.entries(table)) {
    values[name] = many ? [] : value === undefined ? false : undefined
  }
  return values
}

function keep(values: Loose, said: Said, option: Option, value: string | undefined): string | null {
  if (option.value === undefined) {
    if (value !== undefined) return `${said.shown} takes no value`
    values[said.name] = true
    return null
  }
  const before = values[said.name]
  if (Array.isArray(before)) before.push(value as string)
  else if (before !== undefined) return `${said.shown} is said twice`
  else values[said.name] = value
  return null
}

/** One word into the options it says: `--name`, `--name=value`, `-f`, `-fe`, `-n5`. */
function splitWord(table: OptionTable, word: string): (Said | { problem: string })[] {
  if (word.startsWith('--')) {
    const [, name = '', value] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? []
    return Object.hasOwn(table, name)
      ? [{ name, shown: `--${name}`, value }]
      : [
          {
            problem: unknown(
              `--${name}`,
              Object.keys(table).map((known) => `--${known}`),
            ),
          },
        ]
  }
  const said: (Said | { problem: string })[] = []
  for (let at = 1; at < word.length; at++) {
    const shown = `-${word[at]}`
    const found = Object.entries(table).find(([, option]) => option.short === word[at])
    if (!found) return [{ problem: unknown(shown, []) }]
    const [name, option] = found
    const rest = word.slice(at + 1)
    if (option.value === undefined) said.push({ name, shown, value: undefined })
    else return [...said, { name, shown, value: rest === '' ? undefined : rest }]
  }
  return said
}

function unknown(shown: string, known: readonly string[]): string {
  const near = nearest(shown, known)
  return `there is no option ${shown}${near === null ? '' : `; did you mean ${near}?`}`
}

/** The known word that the least typing away from `word` leads to, if it is near at all. */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: string | null = null
  const letters = word.replace(/^-+/, '').length
  let least = (letters < 4 ? 1 : Math.max(2, Math.floor(word.length / 3))) + 1
  for (const candidate of known) {
    const near = letters > 2 && candidate.startsWith(word) ? 1 : distance(word, candidate)
    if (near < least) {
      best = candidate
      least = near
    }
  }
  return best
}

/** Letters to insert, remove or replace (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** The lines of a crontab: entries with the variables that hold for them; all else is kept as text only. */

/** `number` from 1. */
export type Entry = {
  number: number
  expression: string
  /** The command up to its first `%`, which `\%` is not. */
  command: string
  /** What stands behind it: the command's standard input. */
  stdin: string | null
  variables: Readonly<Record<string, string>>
}
export type Lines = {
  entries: Entry[]
  /** `@reboot` lines: nothing is ever due for them. */
  atBoot: number[]
  /** MAILTO lines that name somebody. */
  mailed: number[]
  problems: { number: number; problem: string }[]
}

/** What cron means by its nicknames: on the hour and at midnight, for everybody. */
const nicknames: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

export function readLines(text: string): Lines {
  const found: Lines = { entries: [], atBoot: [], mailed: [], problems: [] }
  let variables: Readonly<Record<string, string>> = {}
  for (const [at, raw] of text.split('\n').entries()) {
    const number = at + 1
    const line = raw.replace(/\r$/, '').trim()
    if (line === '' || line.startsWith('#')) continue
    const assigned = assignment(line)
    if (assigned !== null) {
      variables = { ...variables, [assigned.name]: assigned.value }
      if (assigned.name === 'MAILTO' && assigned.value !== '') found.mailed.push(number)
      continue
    }
    const entry = readEntry(line)
    if (entry === null)
      found.problems.push({
        number,
        problem: 'write five fields and a command, as in "0 3 * * * ./nightly.sh"',
      })
    else if (entry.expression === '@reboot') found.atBoot.push(number)
    else found.entries.push({ number, variables, ...entry })
  }
  return found
}

function assignment(line: string): { name: string; value: string } | null {
  const match = /^(?:"([^"]+)"|'([^']+)'|([A-Za-z_]\w*))\s*=\s*(.*)$/.exec(line)
  const name = match?.[1] ?? match?.[2] ?? match?.[3]
  if (match === null || name === undefined) return null
  const value = match[4] ?? ''
  const quoted = /^(["'])(.*)\1$/.exec(value)
  return { name, value: quoted?.[2] ?? value }
}

function readEntry(line: string): Omit<Entry, 'number' | 'variables'> | null {
  const match = /^(@\w+|(?:\S+\s+){4}\S+)\s+(.+)$/.exec(line)
  const [, when = '', words = ''] = match ?? []
  if (match === null) return null
  const { command, stdin } = splitAtPercent(words)
  const expression = when.startsWith('@')
    ? (nicknames[when.toLowerCase()] ?? when.toLowerCase())
    : when.replaceAll(/\s+/g, ' ')
  return { expression, command, stdin }
}

function splitAtPercent(words: string): { command: string; stdin: string | null } {
  const parts: string[] = ['']
  for (const [piece] of words.matchAll(/\\%|%|[^\\%]+|\\/g)) {
    if (piece === '%') parts.push('')
    else parts[parts.length - 1] += piece === '\\%' ? '%' : piece
  }
  const [command = '', ...input] = parts
  return { command: command.trim(), stdin: input.length === 0 ? null : input.join('\n') }
}

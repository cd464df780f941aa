/** Help from the tables that drive the parsing. */
import { commonOptions, type Command } from './command.ts'
import type { Entry } from './commands.ts'
import type { OptionTable } from './options.ts'

export function commandHelp(name: string, summary: string, command: Command): string {
  return [
    `usage: eg ${name} ${command.usage}`.trimEnd(),
    '',
    summary,
    '',
    ...optionLines({ ...command.options, ...commonOptions }),
    ...(command.notes === undefined ? [] : ['', command.notes.trim()]),
    '',
  ].join('\n')
}

function optionLines(table: OptionTable): string[] {
  const rows = Object.entries(table).map(([name, { short, value, many, help }]) => ({
    left: `  ${short === undefined ? '   ' : `-${short},`} --${name}${value === undefined ? '' : ` ${value}`}`,
    help: many ? `${help} (may be repeated)` : help,
  }))
  const width = Math.min(32, Math.max(...rows.map(({ left }) => left.length)) + 2)
  return rows.flatMap(({ left, help }) =>
    left.length < width ? [left.padEnd(width) + help] : [left, ' '.repeat(width) + help],
  )
}

type Entries = Readonly<Record<string, Entry>>

/** `eg help`: every command, in groups. */
export function overview(groups: Readonly<Record<string, Entries>>): string {
  const width = nameWidth(Object.assign({}, ...Object.values(groups)))
  return [
    'usage: eg COMMAND [OPTION…] [OPERAND…]',
    '',
    ...Object.entries(groups).flatMap(([title, entries]) => [
      `${title}:`,
      ...entryLines(entries, width),
      '',
    ]),
    'Jobs are named by number (17), by name, or as a task of an array (17.3).',
    '"eg COMMAND --help" tells more. Environment: EVERGRID_URL, EVERGRID_DATA\n(default: /var/lib/evergrid for root, else evergrid in the XDG state folder), EVERGRID_PATIENCE, NO_COLOR.',
    '',
  ].join('\n')
}

/** `eg node`, `eg schedule`: the commands that begin with this word. */
export function groupHelp(word: string, entries: Entries): string {
  const own = Object.fromEntries(
    Object.entries(entries).filter(([name]) => name.startsWith(`${word} `)),
  )
  return [`usage: eg ${word} COMMAND …`, '', ...entryLines(own, nameWidth(own)), ''].join('\n')
}

const nameWidth = (entries: Entries): number =>
  2 + Math.max(...Object.keys(entries).map((name) => name.length))

const entryLines = (entries: Entries, width: number): string[] =>
  Object.entries(entries).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`)

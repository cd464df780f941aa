/** `-help` of the drop-in commands: their flags, from the table that reads them. */
import type { FlagTable } from './option-table.ts'

/** One line for each flag, with the names of its words. */
export function submitHelp(name: string, table: FlagTable): string {
  const lines = Object.entries(table).map(([flag, { takes, mayTake }]) => {
    const words = takes === 2 ? ' name range' : takes === 1 ? ' value' : mayTake ? ' [value]' : ''
    return `   [${flag}${words}]`
  })
  return [
    'SGE 8.1.9 (Evergrid)',
    `usage: ${name} [options] [{command|-} [command_args]]`,
    ...lines,
    '',
    'What each of them does here: docs/grid-engine-compatibility.md',
    '',
  ].join('\n')
}

export function toolHelp(name: string, table: FlagTable): string {
  return submitHelp(name, table).replace(' [{command|-} [command_args]]', '')
}

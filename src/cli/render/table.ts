/** Columns of text; colour only where a person looks on. */

export type Tone = 'good' | 'bad' | 'warn' | 'dim'
export type Cell = string | number | { text: string; tone: Tone }
export type Column<Row> = { title: string; cell: (row: Row) => Cell; right?: true }
export type Look = { colour: boolean }

const codes: Record<Tone, string> = { good: '32', bad: '31', warn: '33', dim: '2' }

function paint(text: string, tone: Tone | 'bold', { colour }: Look): string {
  return colour ? `\u001B[${tone === 'bold' ? '1' : codes[tone]}m${text}\u001B[0m` : text
}

/** A header line and one line per row; nothing after the last text of a line. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  look: Look,
): string {
  const lines = rows.map((row) => columns.map(({ cell }) => cell(row)))
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...lines.map((cells) => plain(cells[at] ?? '').length)),
  )
  const line = (cells: readonly Cell[], tone?: 'bold') =>
    cells
      .map((cell, at) => {
        const pad = ' '.repeat((widths[at] ?? 0) - plain(cell).length)
        const shown = tone === undefined ? painted(cell, look) : paint(plain(cell), tone, look)
        return columns[at]?.right ? pad + shown : at === cells.length - 1 ? shown : shown + pad
      })
      .join('  ')
      .trimEnd()
  return [
    line(
      columns.map(({ title }) => title),
      'bold',
    ),
    ...lines.map((cells) => line(cells)),
    '',
  ].join('\n')
}

/** `name: value` lines, the values under each other. */
export function facts(entries: readonly (readonly [string, Cell | null])[], look: Look): string {
  const shown = entries.filter((entry): entry is readonly [string, Cell] => entry[1] !== null)
  const width = Math.max(...shown.map(([name]) => name.length)) + 2
  return shown
    .map(([name, value]) => `${`${name}:`.padEnd(width)}${painted(value, look)}\n`)
    .join('')
}

const plain = (cell: Cell): string => printable(typeof cell === 'object' ? cell.text : String(cell))
const painted = (cell: Cell, look: Look): string =>
  typeof cell === 'object' ? paint(plain(cell), cell.tone, look) : plain(cell)

/** What came from elsewhere must not steer the terminal, nor turn what stands beside it around. */
export const printable = (text: string): string =>
  text.replaceAll(/\p{Cc}|\p{Bidi_Control}/gu, (control) => (/\s/.test(control) ? ' ' : '\uFFFD'))

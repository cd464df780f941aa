/** Names of entries that stay when lines move: what was there before keeps the name that it had. */

export type Line = {
  expression: string
  command: string
  /** The name that it would have if it were new and alone. */
  wish: string
}
export type NamedLine = Line & { name: string }

/**
 * Looks for each line's former self: the very same one, then one with the same command (another time), then one that
 * would have the same name (other arguments). What is left is new.
 */
export function nameLines(lines: readonly Line[], before: readonly NamedLine[]): string[] {
  const names: (string | undefined)[] = lines.map(() => undefined)
  const left = [...before]
  const alike: ((line: Line, old: Line) => boolean)[] = [
    (line, old) => line.command === old.command && line.expression === old.expression,
    (line, old) => line.command === old.command && line.wish === old.wish,
    (line, old) => line.wish === old.wish,
  ]
  for (const isAlike of alike)
    for (const [at, line] of lines.entries()) {
      if (names[at] !== undefined) continue
      const found = left.findIndex((old) => isAlike(line, old))
      if (found >= 0) names[at] = left.splice(found, 1)[0]?.name
    }
  const taken = new Set(names)
  return lines.map(({ wish }, at) => {
    const name = names[at] ?? freeName(wish, taken)
    taken.add(name)
    return name
  })
}

function freeName(wish: string, taken: ReadonlySet<string | undefined>): string {
  if (!taken.has(wish)) return wish
  for (let number = 2; ; number++) if (!taken.has(`${wish}-${number}`)) return `${wish}-${number}`
}

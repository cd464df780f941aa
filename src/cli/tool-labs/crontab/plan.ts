/** From the text of a crontab to the schedules that it is, with names that its lines had before. */
import type { Crontab } from '../../../../proto/api-crontab.ts'
import type { ScheduleRequest } from '../../../../proto/schedule.ts'
import { readEntry, type Place } from './entry.ts'
import { readLines, type Entry } from './lines.ts'
import { nameLines, type Line, type NamedLine } from './names.ts'

export type Planned = { number: number; schedule: ScheduleRequest }
export type Plan =
  | { ok: true; entries: Planned[]; notes: string[] }
  /** Each begins with its line, as in `3: …`. */
  | { ok: false; problems: { number: number; problem: string }[] }

export function planCrontab(text: string, before: Crontab, place: Place): Plan {
  const { entries, atBoot, mailed, problems } = readLines(text)
  const read = entries.map((entry) => ({ entry, read: readEntry(entry, place) }))
  const unread = read.flatMap(({ entry: { number }, read }) =>
    read.ok ? [] : [{ number, problem: read.problem }],
  )
  if (problems.length + unread.length > 0)
    return { ok: false, problems: [...problems, ...unread].sort((a, b) => a.number - b.number) }
  const good = read.flatMap(({ entry, read }) => (read.ok ? [{ entry, read }] : []))
  const names = nameLines(
    good.map(({ entry, read }) => lineOf(entry, read.wish)),
    linesBefore(before, place),
  )
  return {
    ok: true,
    entries: good.map(({ entry: { number }, read }, at) => ({
      number,
      schedule: read.schedule(names[at] ?? ''),
    })),
    notes: [
      ...atBoot.map(
        (number) =>
          `line ${number}: @reboot is kept as text and never due: what always runs is a continuous job (jstart), started again by itself`,
      ),
      ...mailed.map((number) => `line ${number}: this grid sends no mail; output is kept in files`),
      ...good.flatMap(({ entry: { number }, read }) =>
        read.notes.map((note) => `line ${number}: ${note}`),
      ),
    ],
  }
}

const lineOf = ({ expression, command, stdin }: Entry, wish: string): Line => ({
  expression,
  command: stdin === null ? command : `${command}%${stdin}`,
  wish,
})

/** The same reading of the text that is kept, which has a name for each of its entries. */
function linesBefore({ text, names }: Crontab, place: Place): NamedLine[] {
  return readLines(text).entries.flatMap((entry, at) => {
    const name = names[at]
    if (name === undefined) return []
    const read = readEntry(entry, place)
    return [{ ...lineOf(entry, read.ok ? read.wish : name), name }]
  })
}

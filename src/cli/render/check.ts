/** What `eg check` found, for people. */
import type { CheckDone } from '../../../proto/database.ts'

/** `isOurs`: the database of a data folder, which can be mended where it is; a backup cannot. */
export function checkedText(checked: CheckDone, isOurs: boolean): string {
  const { database, schema, compared, ...done } = checked
  const mender = isOurs ? 'eg check --mend' : 'eg check --mend, once it is restored'
  const { findings, mended, keptAside } = done
  const older = `; its schema ${schema} is an older one: the tables are compared once a scheduler of this Evergrid has been started on it`
  const lines = [
    ...mended.map((what) => `${what}: mended`),
    ...(keptAside === null ? [] : [`the database before that is ${keptAside}`]),
    ...findings.flatMap(({ what, detail, rows, examples, mend }) => [
      `${what}: ${detail} (${rows})`,
      ...examples.map((text) => `  ${text}`),
      ...(rows > examples.length ? [`  and ${rows - examples.length} more`] : []),
      ...(mend === null ? [] : [`  ${mender}: ${mend}`]),
    ]),
    `${database}: ${findings.length === 0 ? 'sound' : 'not sound'}${compared || schema === 0 ? '' : older}`,
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** Names of the system's error numbers. */
import { constants } from 'node:os'

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]))

export function errorName(number: number): string {
  return names.get(number) ?? `errno ${number}`
}

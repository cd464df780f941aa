/** Signals by name and number. */
import { constants } from 'node:os'

const numbers = new Map<string, number>(Object.entries(constants.signals))
const names = new Map([...numbers].toReversed().map(([name, number]) => [number, name]))

/** Accepts `SIGTERM`, `term` and `15`; null for what is no signal here. */
export function signalNumber(name: string): number | null {
  const upper = name.toUpperCase()
  const number = numbers.get(upper) ?? numbers.get(`SIG${upper}`) ?? Number(name)
  return Number.isInteger(number) && number > 0 && number < 65 ? number : null
}

export function signalName(number: number): string {
  return names.get(number) ?? (number >= 34 ? `SIGRTMIN+${number - 34}` : `SIG${number}`)
}

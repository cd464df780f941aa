/** What may stand behind a key of a jobs file: each type reads what people write, and writes it back. */
import { parseDuration, type Parsed } from '../../../../proto/resources.ts'

export type Type<T> = {
  /** As in "mem: … write WHAT". */
  read: (value: unknown) => Parsed<T>
  write: (value: T) => unknown
}

const same = (value: unknown): unknown => value
const wrong = (problem: string) => ({ ok: false, problem }) as const
const right = <T>(value: T) => ({ ok: true, value }) as const
const shown = (value: unknown): string => JSON.stringify(value) ?? 'nothing'

/** YAML reads an unquoted `1.10` or `yes` as something else than text: said, rather than guessed. */
export const text: Type<string> = {
  read: (value) =>
    typeof value === 'string' && value !== ''
      ? right(value)
      : wrong(`${shown(value)} is not text; write it in quotes`),
  write: same,
}

export const flag: Type<boolean> = {
  read: (value) =>
    typeof value === 'boolean' ? right(value) : wrong(`${shown(value)} is neither true nor false`),
  write: same,
}

export function whole(least: number, most = Number.MAX_SAFE_INTEGER): Type<number> {
  return {
    read: (value) =>
      Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
        ? right(Number(value))
        : wrong(
            `${shown(value)} is not a whole number ${most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`}`,
          ),
    write: same,
  }
}

export function oneOf<const C extends string>(...choices: readonly C[]): Type<C> {
  return {
    read: (value) => {
      const found = choices.find((choice) => choice === value)
      return found === undefined
        ? wrong(`${shown(value)} is none of ${choices.join(', ')}`)
        : right(found)
    },
    write: same,
  }
}

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** As Kubernetes counts: `512Mi` and `1Gi` are powers of 1024, `512M` and `1G` of 1000. Bytes. */
export const size: Type<number> = {
  read: (value) => {
    const match = /^(\d+(?:\.\d+)?)(|k|[MGT]|[KMGT]i)$/.exec(String(value))
    const bytes = match && Math.round(Number(match[1]) * (sizeUnits[match[2] ?? ''] ?? 1))
    return bytes && Number.isSafeInteger(bytes)
      ? right(bytes)
      : wrong(`${shown(value)} is not a size; write for example 512Mi or 2Gi`)
  },
  write: (bytes) => {
    const unit = ['Ti', 'Gi', 'Mi', 'Ki'].find((each) => bytes % (sizeUnits[each] ?? 1) === 0)
    return unit === undefined ? bytes : `${bytes / (sizeUnits[unit] ?? 1)}${unit}`
  },
}

/** Cores: `1`, `0.5` or `500m`. */
export const cores: Type<number> = {
  read: (value) => {
    const match = /^(\d*\.?\d+)(m?)$/.exec(String(value))
    const found = match ? Number(match[1]) / (match[2] === 'm' ? 1000 : 1) : 0
    return found > 0
      ? right(found)
      : wrong(`${shown(value)} is not a number of cores; write for example 0.5 or 500m`)
  },
  write: same,
}

/** Seconds, or `1h30m`. Milliseconds. */
export const span: Type<number> = {
  read: (value) =>
    typeof value === 'string' || typeof value === 'number'
      ? parseDuration(String(value))
      : wrong(`${shown(value)} is not a duration; write seconds, or for example 1h30m`),
  write: (ms) => ms / 1000,
}

/** A line for the shell, or the words of a command as a list. */
export const command: Type<string[]> = {
  read: (value) => {
    if (typeof value === 'string' && value.trim() !== '') return right(['/bin/sh', '-c', value])
    const isWords = Array.isArray(value) && value.every((word) => typeof word === 'string')
    return isWords && value.length > 0
      ? right(value)
      : wrong(`${shown(value)} is not a command; write a line for the shell, or a list of words`)
  },
  write: (argv) =>
    argv.length === 3 && argv[0] === '/bin/sh' && argv[1] === '-c' && argv[2]?.trim()
      ? argv[2]
      : argv,
}

/** Names with text; numbers are taken as they are written. */
export const texts: Type<Record<string, string>> = {
  read: (value) => {
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
    const found = isMap ? Object.entries(value) : []
    const odd = found.find(([, each]) => typeof each !== 'string' && typeof each !== 'number')
    if (!isMap) return wrong(`${shown(value)} is not a list of NAME: VALUE`)
    if (odd) return wrong(`${odd[0]}: ${shown(odd[1])} is not text; write it in quotes`)
    return right(Object.fromEntries(found.map(([name, each]) => [name, String(each)])))
  },
  write: same,
}

/** Names with how much of each. */
export const amounts: Type<Record<string, number>> = {
  read: (value) => {
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!isMap) return wrong(`${shown(value)} is not a list of NAME: N`)
    const odd = Object.entries(value).find(([, each]) => !Number.isSafeInteger(each) || each < 1)
    if (odd) return wrong(`${odd[0]}: ${shown(odd[1])} is not a whole number from 1 on`)
    return right({ ...value })
  },
  write: same,
}

export const signalName: Type<string> = {
  read: (value) =>
    typeof value === 'string' && /^(SIG)?[A-Z0-9]+$/.test(value)
      ? right(value.startsWith('SIG') ? value : `SIG${value}`)
      : wrong(`${shown(value)} is not a signal; write for example TERM`),
  write: (name) => name.replace(/^SIG/, ''),
}

export const octal: Type<number> = {
  read: (value) =>
    typeof value === 'string' && /^[0-7]{3,4}$/.test(value)
      ? right(Number.parseInt(value, 8))
      : wrong(`${shown(value)} is not a umask; write for example "0027", in quotes`),
  write: (mask) => mask.toString(8).padStart(4, '0'),
}

export const range: Type<{ from: number; to: number; step: number }> = {
  read: (value) => {
    const match = /^(\d{1,9})-(\d{1,9})(?::(\d{1,9}))?$/.exec(String(value))
    const [from, to, step] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3] ?? 1)]
    return match && from >= 1 && to >= from && step >= 1
      ? right({ from, to, step })
      : wrong(`${shown(value)} is not a range; write for example 1-100 or 1-100:2`)
  },
  write: ({ from, to, step }) => `${from}-${to}${step === 1 ? '' : `:${step}`}`,
}

/** The flags of qsub and its kin by Grid Engine 8.1.9's manual, with the number of words after each. */
import type { FlagTable } from './option-table.ts'

/** What a job may say of itself, on the command line, in `#$` lines and in option files. */
const jobFlags = {
  '-a': { takes: 1 },
  '-A': { takes: 1 },
  '-ac': { takes: 1 },
  '-binding': { takes: 1 },
  '-c': { takes: 1 },
  '-ckpt': { takes: 1 },
  '-cwd': {},
  '-dc': { takes: 1 },
  '-dl': { takes: 1 },
  '-e': { takes: 1 },
  '-hard': {},
  '-he': { takes: 1 },
  '-hold_jid': { takes: 1 },
  '-hold_jid_ad': { takes: 1 },
  '-i': { takes: 1 },
  '-j': { takes: 1 },
  '-js': { takes: 1 },
  '-l': { takes: 1 },
  '-m': { takes: 1 },
  '-M': { takes: 1 },
  '-masterq': { takes: 1 },
  '-N': { takes: 1 },
  '-notify': {},
  '-o': { takes: 1 },
  '-ot': { takes: 1 },
  '-p': { takes: 1 },
  '-P': { takes: 1 },
  '-pe': { takes: 2 },
  '-q': { takes: 1 },
  '-r': { takes: 1 },
  '-R': { takes: 1 },
  '-S': { takes: 1 },
  '-sc': { takes: 1 },
  '-soft': {},
  '-tc': { takes: 1 },
  '-v': { takes: 1 },
  '-V': {},
  '-w': { takes: 1 },
  '-wd': { takes: 1 },
} as const satisfies FlagTable

/** qsub; `-@ FILE` is read by option-sources.ts. */
export const submitFlags = {
  ...jobFlags,
  '-@': { takes: 1 },
  '-ar': { takes: 1 },
  '-b': { takes: 1 },
  '-C': { takes: 1 },
  '-clear': {},
  '-display': { takes: 1 },
  '-h': {},
  '-help': {},
  '-jsv': { takes: 1 },
  '-now': { takes: 1 },
  '-shell': { takes: 1 },
  '-sync': { takes: 1 },
  '-t': { takes: 1 },
  '-terse': {},
  '-verify': {},
} as const satisfies FlagTable

/** qalter: no flags of a submit itself. */
export const alterFlags = {
  ...jobFlags,
  '-h': { takes: 1 },
  '-help': {},
  '-u': { takes: 1 },
  '-verify': {},
} as const satisfies FlagTable

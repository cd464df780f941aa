/**
 * The commands that are known by their own names beside `eg`: `dist/bin/NAME` is a link to `eg`, which is told its name
 * and finds it here. To add one, write a file that exports `program` and a line in `programs`; `npm run build` makes
 * the links. A file is loaded only when its command is called.
 */
import type { Client } from '../client/client.ts'
import type { Terminal } from './terminal.ts'

export type ProgramContext = {
  /** The name it was called by, as in `qsub`. */
  name: string
  argv: readonly string[]
  terminal: Terminal
  /** All of standard input. */
  input: () => string
  /** Who calls, and on which machine. */
  account: () => { user: string; home: string; shell: string }
  host: string
  /** Opened when first asked for, closed at the end. */
  client: () => Promise<Client>
}
/** Gives its exit status; a ClientError that it throws is worded as `NAME: what, why`, with status 1. */
export type Program = (context: ProgramContext) => Promise<number>

export const programs: Readonly<Record<string, () => Promise<{ program: Program }>>> = {
  crontab: () => import('./tool-labs/crontab/program.ts'),
  jlocal: () => import('./tool-labs/jlocal.ts'),
  job: () => import('./tool-labs/job.ts'),
  jstart: () => import('./tool-labs/jsub/program.ts'),
  jstop: () => import('./tool-labs/jstop.ts'),
  jsub: () => import('./tool-labs/jsub/program.ts'),
  qcronsub: () => import('./tool-labs/jsub/program.ts'),
  qacct: () => import('./grid-engine/qacct.ts'),
  qalter: () => import('./grid-engine/qalter.ts'),
  qconf: () => import('./grid-engine/qconf.ts'),
  qdel: () => import('./grid-engine/qdel.ts'),
  qhold: () => import('./grid-engine/qhold.ts'),
  qhost: () => import('./grid-engine/qhost.ts'),
  qmod: () => import('./grid-engine/qmod.ts'),
  qresub: () => import('./grid-engine/qresub.ts'),
  qrls: () => import('./grid-engine/qhold.ts'),
  qselect: () => import('./grid-engine/qselect.ts'),
  qstat: () => import('./grid-engine/qstat.ts'),
  qsub: () => import('./grid-engine/qsub.ts'),
}

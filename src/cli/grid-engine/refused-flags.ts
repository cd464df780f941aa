/** Flags that ask for what there is not: each is refused with a sentence, or said to have no effect. */
import { rejected, usageFailure, type Failure } from './failure.ts'
import { allSaid, lastSaid, type Said } from './option-table.ts'

/** Throws for the first flag that would have to change what happens, and cannot. */
export function refuseUnknown(command: string, said: readonly Said[], user: string): void {
  for (const [flag, judge] of Object.entries(judges)) {
    const value = lastSaid(said, flag)
    const failure = value === undefined ? null : judge(value, { command, user })
    if (failure !== null) throw failure
  }
}

type Judge = (value: string, about: { command: string; user: string }) => Failure | null

const judges: Readonly<Record<string, Judge>> = {
  '-P': (project) => rejected(`job rejected: the requested project "${project}" does not exist`),
  '-ar': (id) => rejected(`the advance reservation id ${id} is invalid`),
  '-ckpt': (name) =>
    rejected(`job rejected: the requested checkpointing environment "${name}" does not exist`),
  '-c': (when) => (when === 'n' ? null : rejected('checkpointing denied')),
  '-dl': (_, { user }) =>
    rejected(`job rejected: the user "${user}" is not a deadline initiation user`),
  '-jsv': (url) =>
    rejected(
      `-jsv ${url}: there are no job submission verifiers here; change the job before it is submitted`,
    ),
  '-masterq': (queues) =>
    rejected(`-masterq ${queues}: a job runs on one node here, so that -q says its queue`),
  '-ot': () => rejected('-ot: there are no override tickets here; an operator may use -p'),
  '-he': () =>
    rejected('-he: leave it out; a job that cannot be started fails, with the reason in qstat -j'),
  '-js': (share, { command }) =>
    /^\d+$/.test(share) ? null : usageFailure(command, `invalid job share "${share}"`, 7),
  '-m': (options, { command }) =>
    /^[beasn,]+$/.test(options)
      ? null
      : usageFailure(
          command,
          `Wrong mail options list format "${options}" specified to -m option`,
          7,
        ),
  '-w': (level, { command }) =>
    /^[ewnvp]$/.test(level)
      ? null
      : usageFailure(command, `invalid option argument "-w ${level}"`, 7),
}

/** For stderr: what was accepted and does less than it would under Grid Engine. */
export function withoutEffect(command: string, said: readonly Said[]): string[] {
  const mail = lastSaid(said, '-m')
  const notes = [
    [
      mail !== undefined && /[beas]/.test(mail),
      `-m ${mail} sends no mail here; see qstat -j and qacct -j`,
    ],
    [
      allSaid(said, '-hold_jid_ad').length > 0,
      '-hold_jid_ad waits for the whole of each job here, not task by task',
    ],
    [
      allSaid(said, '-binding').length > 0,
      '-binding binds no cores here; the shares of slots are kept by cgroups',
    ],
  ] as const
  return notes.filter(([isSo]) => isSo).map(([, text]) => `${command}: ${text}`)
}

/**
 * What becomes of each recording when it is replayed against our commands. A command that is not named under `differs`
 * prints and returns byte for byte what Grid Engine did; one that is, differs on purpose, for the reason given.
 */
export type Verdict = {
  /** The situation in which it was recorded; see situations.ts. */
  in: Situation
  differs?: Readonly<Record<string, string>>
}
export type Situation = 'fresh'

const refusedAtOnce =
  'what no node could ever run is refused at once, with what there is, in place of waiting for ever'
const named = 'a name that does not fit is refused with what does'

export const verdicts: Readonly<Record<string, Verdict>> = {
  'qsub-basic': {
    in: 'fresh',
    differs: {
      'qsub -verify job.sh': 'TERM is shown with the value that the job will find',
      'qsub -m beas -M alice@example.org -b y sleep 1': 'says on stderr that no mail is sent',
      'qsub -hold_jid_ad arr -t 1-5 -b y sleep 1':
        'says on stderr that it waits for the whole job, not task by task',
      'qsub -w p -b y sleep 1': 'whether a queue is busy just now is no reason against a job',
      'qsub -@ optfile -b y sleep 1': 'the command after -@ FILE is used; Grid Engine lost it',
    },
  },
  'qsub-errors': {
    in: 'fresh',
    differs: {
      "qsub -N 'a b' -b y sleep 1": named,
      'qsub -t 1-100000 -b y sleep 1': 'an array may have ten million tasks',
      'qsub -l h_vmem=9999G -w e -b y sleep 1': refusedAtOnce,
      'qsub -w v -l mem_free=9999G -b y sleep 1': refusedAtOnce,
      'qsub -w w -l mem_free=9999G -b y sleep 1': refusedAtOnce,
      'qsub -w e -l mem_free=9999G -b y sleep 1': refusedAtOnce,
      'qsub plain.sh': 'the file of the replay can be read',
    },
  },
}

/** Recordings that are not replayed, for another reason than that it was not done yet. */
export const missing: Readonly<Record<string, string>> = {
  'qconf-ks-bug': 'a bug of Grid Engine: an ordinary user could end its scheduler',
}

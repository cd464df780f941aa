/**
 * What becomes of each recording when it is replayed against our commands. A command that is not named under `differs`
 * prints and returns byte for byte what Grid Engine did; one that is, differs on purpose, for the reason given.
 */
export type Verdict = {
  /** The situation in which it was recorded; see situations.ts. */
  in: Situation
  differs?: Readonly<Record<string, string>>
}
export type Situation = 'fresh' | 'empty' | 'running' | 'waiting'

const refusedAtOnce =
  'what no node could ever run is refused at once, with what there is, in place of waiting for ever'
const noResources = 'queues have no resources of their own here'
const ownHelp = 'the help is our own text'
const noFile = 'the recording was made before the first job had ended: there was no file'
const unchanged = 'who may change it is told first'
const shorter = 'only what is so here is told'
const ownManagers = 'managers are those of this grid'
const figures = 'urgencies and usage are other figures here'
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
  'qstat-empty': { in: 'empty' },
  'qstat-empty-': {
    in: 'empty',
    differs: { 'qstat -F': noResources },
  },
  'qstat-empty-ext': { in: 'empty' },
  'qstat-empty-f': { in: 'empty' },
  'qstat-empty-f-explaina': { in: 'empty' },
  'qstat-empty-f-slotsloadavg': {
    in: 'empty',
    differs: { 'qstat -f -F slots,load_avg': noResources },
  },
  'qstat-empty-f-xml': { in: 'empty' },
  'qstat-empty-gc': { in: 'empty' },
  'qstat-empty-gc-xml': { in: 'empty' },
  'qstat-empty-help': {
    in: 'empty',
    differs: { 'qstat -help': ownHelp },
  },
  'qstat-empty-sp': { in: 'empty' },
  'qstat-empty-u': { in: 'empty' },
  'qstat-empty-u-xml': { in: 'empty' },
  'qstat-empty-xml': { in: 'empty' },
  'qstat-running': { in: 'running' },
  'qstat-running-Fhvmem': {
    in: 'running',
    differs: { 'qstat -F h_vmem': noResources },
  },
  'qstat-running-ext': {
    in: 'running',
    differs: { 'qstat -ext': figures },
  },
  'qstat-running-ext-urg': {
    in: 'running',
    differs: { 'qstat -ext -urg': figures },
  },
  'qstat-running-f': { in: 'running' },
  'qstat-running-f-explainE': { in: 'running' },
  'qstat-running-f-explaina': { in: 'running' },
  'qstat-running-f-ne-u': { in: 'running' },
  'qstat-running-f-u': { in: 'running' },
  'qstat-running-f-xml-u': { in: 'running' },
  'qstat-running-gc': { in: 'running' },
  'qstat-running-gd': { in: 'running' },
  'qstat-running-gt': { in: 'running' },
  'qstat-running-pri': { in: 'running' },
  'qstat-running-qnosuchq': { in: 'running' },
  'qstat-running-r': { in: 'running' },
  'qstat-running-sp': { in: 'running' },
  'qstat-running-sr': { in: 'running' },
  'qstat-running-srp': { in: 'running' },
  'qstat-running-ss': { in: 'running' },
  'qstat-running-sz': {
    in: 'running',
    differs: { 'qstat -s z': 'finished jobs are listed by eg history' },
  },
  'qstat-running-t': { in: 'running' },
  'qstat-running-u': { in: 'running' },
  'qstat-running-ubob': { in: 'running' },
  'qstat-running-urg': {
    in: 'running',
    differs: { 'qstat -urg': figures },
  },
  'qstat-running-xml': { in: 'running' },
  'qstat-running-xml-r': { in: 'running' },
  'qstat-j-unknown': {
    in: 'running',
    differs: {
      'qstat -j': 'why a job waits is said with the job',
      'qstat -bogus': ownHelp,
    },
  },
  'qdel-unknown': { in: 'fresh', differs: { qdel: ownHelp } },
  'qmod-denied': { in: 'fresh', differs: { qmod: ownHelp, 'qmod -bogus': ownHelp } },
  'qhold-qrls': {
    in: 'waiting',
    differs: {
      'qhold 112.2': 'a hold that is set again is told again',
      'qrls 112': "the end of a job's hold is told once, not for each task",
      qhold: ownHelp,
      qrls: ownHelp,
    },
  },
  'qacct-unknown': {
    in: 'empty',
    differs: {
      'qacct -j 999999': noFile,
      'qacct -j nosuchname': noFile,
    },
  },
  'qconf-denied': {
    in: 'empty',
    differs: {
      'qconf -as otherhost': unchanged,
      'qconf -km': unchanged,
      'qconf -ke vm': unchanged,
      'qconf -cq all.q': unchanged,
    },
  },
  'qconf-sc': { in: 'empty' },
  'qconf-scall': { in: 'empty' },
  'qconf-sckptl': { in: 'empty' },
  'qconf-sconf': {
    in: 'empty',
    differs: {
      'qconf -sconf': shorter,
    },
  },
  'qconf-se-vm': {
    in: 'empty',
    differs: {
      'qconf -se vm': shorter,
    },
  },
  'qconf-sel': { in: 'empty' },
  'qconf-sep': { in: 'empty' },
  'qconf-sh': { in: 'empty' },
  'qconf-shgrp--allhosts': { in: 'empty' },
  'qconf-shgrpl': { in: 'empty' },
  'qconf-sm': {
    in: 'empty',
    differs: {
      'qconf -sm': ownManagers,
    },
  },
  'qconf-so': { in: 'empty' },
  'qconf-sp-make': {
    in: 'empty',
    differs: {
      'qconf -sp make': 'its slots are of one node, as of all parallel environments here',
    },
  },
  'qconf-sp-smp': { in: 'empty' },
  'qconf-spl': { in: 'empty' },
  'qconf-sprjl': { in: 'empty' },
  'qconf-sq-all-q': {
    in: 'empty',
    differs: {
      'qconf -sq all.q': 'no queue is closed by load here',
    },
  },
  'qconf-sql': { in: 'empty' },
  'qconf-srqsl': { in: 'empty' },
  'qconf-ss': { in: 'empty' },
  'qconf-ssconf': {
    in: 'empty',
    differs: {
      'qconf -ssconf': shorter,
    },
  },
  'qconf-ssi': { in: 'empty' },
  'qconf-sss': { in: 'empty' },
  'qconf-stl': { in: 'empty' },
  'qhost-bogus': {
    in: 'empty',
    differs: {
      'qhost -bogus': ownHelp,
    },
  },
  'qhost-help': {
    in: 'empty',
    differs: {
      'qhost -help': ownHelp,
    },
  },
  'qhost-hnosuch': {
    in: 'empty',
    differs: {
      'qhost -h nosuch': 'says which host there is not',
    },
  },
  'qhost-j-xml': { in: 'empty' },
  'qhost-j': { in: 'empty' },
  'qhost-q-xml': { in: 'empty' },
  'qhost-q': { in: 'empty' },
  'qhost-running-j-ubob': { in: 'running' },
  'qhost-running-j-xml': { in: 'running' },
  'qhost-running-j': { in: 'running' },
  'qhost-running-q-j': { in: 'running' },
  'qhost-running-q': { in: 'running' },
  'qhost-running-ualice': { in: 'running' },
  'qhost-running-xml': { in: 'running' },
  'qhost-running': { in: 'running' },
  'qhost-ualice': { in: 'empty' },
  'qhost-xml': { in: 'empty' },
  qhost: { in: 'empty' },
  qselect: {
    in: 'empty',
    differs: {
      'qselect -bogus': ownHelp,
    },
  },
}

/** Recordings that are not replayed, for another reason than that it was not done yet. */
export const missing: Readonly<Record<string, string>> = {
  qalter:
    'partly done: name, holds, dependencies, queue and verification are not changed by our qalter',
  'qhost-F': 'qhost -F is not there',
  'qhost-F-xml': 'qhost -F is not there',
  'qhost-Fslotsmem_free': 'qhost -F is not there',
  'qhost-running-F': 'qhost -F is not there',
  'qhost-lh_vmemG': 'qhost -l is not there',
  'qconf-secl': 'there are no event clients',
  'qconf-su-arusers': 'there are no access lists yet',
  'qconf-sul': 'there are no access lists yet',
  'qconf-suserl': 'there are no users to be configured',
  'qconf-unknowns': 'about objects that are not there',
  'qconf-sobjl-exechost-load-avg': 'about the load, which is not known',
  qresub: 'done, but recorded in the middle of other changes',
  'qconf-ks-bug': 'a bug of Grid Engine: an ordinary user could end its scheduler',
}

/** Every command of `eg` by name. A command's file is loaded only when it is called: `eg` must start quickly. */
import type { Command } from './command.ts'

export type Entry = {
  summary: string
  load: () => Promise<{ command: Command }>
}

const jobs = {
  submit: { summary: 'Submit a job', load: () => import('./submit.ts') },
  jobs: { summary: 'List live jobs', load: () => import('./jobs.ts') },
  show: { summary: 'Show a job: spec, state, runs, timeline', load: () => import('./show.ts') },
  explain: {
    summary: 'Say why a job waits, and what would let it start',
    load: () => import('./explain.ts'),
  },
  logs: { summary: 'Print the output of a job', load: () => import('./logs.ts') },
  wait: {
    summary: 'Wait for jobs to finish, and exit as they did',
    load: () => import('./wait.ts'),
  },
  history: { summary: 'List finished jobs', load: () => import('./history.ts') },
  stop: { summary: 'Stop jobs', load: () => import('./stop.ts') },
  restart: {
    summary: 'Stop the present run gracefully and start a new one',
    load: () => import('./restart.ts'),
  },
  hold: { summary: 'Hold waiting tasks back', load: () => import('./hold.ts') },
  release: { summary: 'End a hold', load: () => import('./release.ts') },
  suspend: { summary: 'Freeze the processes of jobs', load: () => import('./suspend.ts') },
  resume: { summary: 'Thaw suspended jobs', load: () => import('./resume.ts') },
  edit: { summary: 'Change a live job', load: () => import('./edit.ts') },
  apply: {
    summary: 'Make jobs and schedules as a jobs file says',
    load: () => import('./tool-labs/apply.ts'),
  },
  dump: {
    summary: 'Write a jobs file of continuous jobs and schedules',
    load: () => import('./tool-labs/dump.ts'),
  },
} satisfies Record<string, Entry>

const schedules = {
  schedules: { summary: 'List schedules', load: () => import('./schedules.ts') },
  'schedule add': { summary: 'Add a schedule', load: () => import('./schedule/add.ts') },
  'schedule show': {
    summary: 'Show a schedule and its ledger',
    load: () => import('./schedule/show.ts'),
  },
  'schedule next': {
    summary: 'Print the next due times',
    load: () => import('./schedule/next.ts'),
  },
  'schedule pause': {
    summary: 'Skip due times until resumed',
    load: () => import('./schedule/pause.ts'),
  },
  'schedule resume': { summary: 'End a pause', load: () => import('./schedule/resume.ts') },
  'schedule run': {
    summary: 'Run now, through the same overlap gate',
    load: () => import('./schedule/run.ts'),
  },
  'schedule edit': { summary: 'Change a schedule', load: () => import('./schedule/edit.ts') },
  'schedule remove': {
    summary: 'Remove a schedule; its running jobs go on',
    load: () => import('./schedule/remove.ts'),
  },
  clock: {
    summary: 'Show the clock that schedules follow, or confirm it',
    load: () => import('./clock.ts'),
  },
  'import bigbrotherrc': {
    summary: "Make continuous jobs of what Tool Labs' bigbrother watched",
    load: () => import('./tool-labs/import-bigbrotherrc.ts'),
  },
  'import crontab': {
    summary: 'Make schedules of a saved crontab',
    load: () => import('./tool-labs/import-crontab.ts'),
  },
} satisfies Record<string, Entry>

const nodes = {
  nodes: { summary: 'List nodes', load: () => import('./nodes.ts') },
  'node show': {
    summary: 'Show a node: health, lease, drain',
    load: () => import('./node/show.ts'),
  },
  'node cordon': { summary: 'Stop new placements', load: () => import('./node/cordon.ts') },
  'node uncordon': { summary: 'Allow new placements', load: () => import('./node/uncordon.ts') },
  'node drain': {
    summary: 'Move work off a node, then hold it empty',
    load: () => import('./node/drain.ts'),
  },
  'node undrain': { summary: 'End a drain', load: () => import('./node/undrain.ts') },
  'node lost': {
    summary: 'Confirm that nothing runs there any more',
    load: () => import('./node/lost.ts'),
  },
  'node token': {
    summary: 'Make a token with which a node joins',
    load: () => import('./node/token.ts'),
  },
  'node remove': { summary: 'Forget an empty node', load: () => import('./node/remove.ts') },
} satisfies Record<string, Entry>

const queues = {
  'queue list': { summary: 'List queues', load: () => import('./queue/list.ts') },
  'queue show': { summary: 'Show a queue', load: () => import('./queue/show.ts') },
  'queue add': { summary: 'Add a queue', load: () => import('./queue/add.ts') },
  'queue edit': { summary: 'Change a queue', load: () => import('./queue/edit.ts') },
  'queue close': { summary: 'Start nothing of a queue', load: () => import('./queue/close.ts') },
  'queue open': { summary: 'Start its jobs again', load: () => import('./queue/open.ts') },
  'queue remove': { summary: 'Remove a queue', load: () => import('./queue/remove.ts') },
} satisfies Record<string, Entry>

const resources = {
  resources: {
    summary: 'List named resources: how much there is, is taken, and is waited for',
    load: () => import('./resources.ts'),
  },
  'resource show': {
    summary: 'Show who holds a resource since when, and who waits for it',
    load: () => import('./resource/show.ts'),
  },
  'resource set': {
    summary: 'Say how much there is of a resource',
    load: () => import('./resource/set.ts'),
  },
  'resource remove': { summary: 'Forget a resource', load: () => import('./resource/remove.ts') },
} satisfies Record<string, Entry>

const shares = {
  shares: {
    summary: 'Show who used how much of late, and so goes first',
    load: () => import('./shares.ts'),
  },
  'shares set': {
    summary: 'Set what owners and groups weigh in that',
    load: () => import('./shares/set.ts'),
  },
  quota: {
    summary: 'Show what you may use, what you use, and which jobs use it',
    load: () => import('./quota.ts'),
  },
  'quota list': {
    summary: 'List the limits that were set',
    load: () => import('./quota/list.ts'),
  },
  'quota set': {
    summary: 'Set limits, for good or for a time',
    load: () => import('./quota/set.ts'),
  },
} satisfies Record<string, Entry>

const rights = {
  'role list': { summary: 'List operators and managers', load: () => import('./role/list.ts') },
  'role grant': {
    summary: 'Make an account operator or manager',
    load: () => import('./role/grant.ts'),
  },
  'role revoke': {
    summary: 'Take its role from an account',
    load: () => import('./role/revoke.ts'),
  },
  'share add': {
    summary: 'Let a unix group keep your jobs with you',
    load: () => import('./share/add.ts'),
  },
  'share remove': { summary: 'End that', load: () => import('./share/remove.ts') },
  'share list': {
    summary: 'List what you share, and what is shared with you',
    load: () => import('./share/list.ts'),
  },
  'token create': {
    summary: 'Make a token for a program',
    load: () => import('./token/create.ts'),
  },
  'token list': { summary: 'List your tokens', load: () => import('./token/list.ts') },
  'token revoke': { summary: 'End a token', load: () => import('./token/revoke.ts') },
  audit: { summary: 'Print what was changed, and by whom', load: () => import('./audit.ts') },
  whoami: { summary: 'Say as whom the scheduler knows you', load: () => import('./whoami.ts') },
} satisfies Record<string, Entry>

const grid = {
  up: { summary: 'Run a whole grid on this machine', load: () => import('./up.ts') },
  down: { summary: 'End the grid that "eg up" runs', load: () => import('./down.ts') },
  scheduler: { summary: 'Run the scheduler alone', load: () => import('./scheduler.ts') },
  'exec-node': { summary: 'Run an exec-node alone', load: () => import('./exec-node.ts') },
  'tls show': {
    summary: 'Show which authority vouches for the scheduler',
    load: () => import('./tls/show.ts'),
  },
  'tls trust': {
    summary: 'Trust an authority to vouch for the scheduler',
    load: () => import('./tls/trust.ts'),
  },
  'grid-engine init': {
    summary: 'Make the tree in which clients of Grid Engine look',
    load: () => import('./grid-engine/init.ts'),
  },
  backup: {
    summary: "Copy the scheduler's database, while it runs",
    load: () => import('./backup.ts'),
  },
  restore: { summary: 'Put a backup in its place', load: () => import('./restore.ts') },
  check: {
    summary: "Check the scheduler's database, and mend what is safe",
    load: () => import('./check.ts'),
  },
  events: { summary: 'Print what happens in the grid', load: () => import('./events.ts') },
  version: { summary: 'Print the version', load: () => import('./version.ts') },
} satisfies Record<string, Entry>

export const groups: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  jobs,
  schedules,
  nodes,
  queues,
  'who gets what': { ...shares, ...resources },
  rights,
  'the grid': grid,
}
export const commands: Readonly<Record<string, Entry>> = {
  ...jobs,
  ...schedules,
  ...nodes,
  ...queues,
  ...shares,
  ...resources,
  ...rights,
  ...grid,
}

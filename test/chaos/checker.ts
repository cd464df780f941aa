/** The independent checker: it believes the workload's own files and the public API, nothing else. */
import type { JobDetail, JobSummary } from '../../proto/job.ts'
import type { Client } from '../../src/client/index.ts'
import { uptime } from '../../src/lib/real-clock.ts'
import type { Acknowledged, Acknowledgements } from './acknowledged.ts'
import { allJobs } from './all-jobs.ts'
import { lastBeat, readBotLog } from './bot-log.ts'
import { lookAtCounter, repeatsOf, type TaskRuns } from './counters.ts'
import { lookAtDues } from './due-times.ts'
import { begunOf, countedOf, duesOf, taskOf, type Found } from './evidence.ts'
import { pace } from './pace.ts'

export type Verdict = {
  /** A sentence for each promise that was broken, with its evidence. */
  broken: string[]
  lost: number
  doubleRuns: number
  finished: Record<string, number>
  /** Counters that have reached what they must, exactly, and the sum of these. */
  counters: { exact: number; sum: number }
  /** Runs of tasks that were not the last of their task, by their causes. */
  repeated: Record<string, number>
  /** Due times of schedules, by what became of them, and how many were found in their files. */
  firings: Record<string, number>
  /** Acknowledged jobs that a database put in place does not know, as is promised. */
  forgotten: number
}

const minuteMs = 60_000

type Facts = { client: Client; work: string; said: Acknowledgements }

export async function check(facts: Facts): Promise<Verdict> {
  const verdict: Verdict = {
    ...{ broken: [], lost: 0, doubleRuns: 0, finished: {}, firings: {}, repeated: {} },
    ...{ counters: { exact: 0, sum: 0 }, forgotten: 0 },
  }
  const jobs = await allJobs(facts.client, [false, true])
  for (const one of facts.said.jobs) {
    const job = jobs.get(one.job)
    if (job?.name === one.name) await checkJob(facts, one, job, verdict)
    else if (job === undefined && facts.said.mayBeForgotten(one.job)) {
      verdict.forgotten += 1
      await checkBegun(facts, one, null, verdict)
    } else {
      verdict.lost += 1
      verdict.broken.push(`job ${one.job} (${one.name}) was acknowledged and is not known any more`)
    }
  }
  checkOneJobPerRequest([...jobs.values()], verdict)
  checkDoubles(facts, verdict)
  await checkSchedules(facts, jobs, verdict)
  await checkNodes(facts.client, verdict)
  return verdict
}

async function checkJob(
  facts: Facts,
  one: Acknowledged,
  job: JobSummary,
  verdict: Verdict,
): Promise<void> {
  const { broken } = verdict
  const what = `job ${one.job} (${one.name})`
  if (one.expected === 'bot') {
    const silentMs = uptime() - lastBeat(facts.work, one.name)
    if (job.state !== 'running') broken.push(`bot ${what} is ${job.state}: ${job.reason}`)
    else if (silentMs > pace.freshMs)
      broken.push(`bot ${what} is said to run, and was last seen ${silentMs} ms ago`)
    return
  }
  if (job.state !== 'finished' || job.outcome === null) {
    broken.push(`${what} has not ended: it is ${job.state} (${job.reason})`)
    return
  }
  const tally = `${one.expected}: ${job.outcome}`
  verdict.finished[tally] = (verdict.finished[tally] ?? 0) + 1
  const detail = await checkBegun(facts, one, job, verdict)
  const done = new Set(begunOf(facts.work, one.name).map(({ run }) => taskOf(run)))
  const mustBeDone = job.outcome === 'succeeded' || one.expected === 'all'
  if (mustBeDone && done.size < one.tasks) {
    verdict.lost += one.tasks - done.size
    broken.push(
      `${what} is ${job.outcome}, but only ${done.size} of ${one.tasks} tasks did their work`,
    )
  }
  const outcome = unexpected(one, job)
  if (outcome !== null)
    broken.push(`${what} ${outcome}: ${causesOf(detail ?? (await shown(facts, one)))}`)
}

function tell(verdict: Verdict, what: string, { faults, lost, twice }: Found): void {
  verdict.broken.push(...faults.map((fault) => `${what}: ${fault}`))
  verdict.lost += lost
  verdict.doubleRuns += twice
}

const shown = ({ client }: Facts, { job }: Acknowledged, tasks?: number) => {
  const query = tasks === undefined ? {} : { tasks: `${tasks}-${tasks}` }
  return client.call('showJob', { params: { job: String(job) }, query })
}

/**
 * How often its tasks began, and what they counted. `job` is null where an older database has forgotten it: then it
 * is asked for nothing, and may still have done nothing twice.
 */
async function checkBegun(
  facts: Facts,
  one: Acknowledged,
  job: JobSummary | null,
  verdict: Verdict,
): Promise<JobDetail | null> {
  const { said, work } = facts
  const what = `job ${one.job} (${one.name})`
  const begun = begunOf(work, one.name)
  const restores = restoresOver(facts, one, job !== null)
  const retried = one.expected === 'all'
  const keys = begun.map(({ run }) => run)
  const most = new Map<number, number>()
  for (const run of keys) most.set(taskOf(run), (most.get(taskOf(run)) ?? 0) + 1)
  const again = [...most].filter(([, times]) => times > 1 + restores)
  const runs = new Map<number, TaskRuns>()
  const repeated = [...most].filter(([, times]) => times > 1).map(([task]) => task)
  for (const task of job === null ? [] : repeated) runs.set(task, await runsOf(facts, one, task))
  const restoredAt = job === null ? Infinity : said.restoredAt(one.job)
  const repeats = repeatsOf(begun, (task) => runs.get(task) ?? [], restoredAt)
  for (const cause of job === null ? [] : repeats.causes)
    verdict.repeated[cause] = (verdict.repeated[cause] ?? 0) + 1
  const faults = [...repeats.faults]
  if (!retried && again.length > 0)
    faults.push(`may run once, and ran as ${keys.join(', ')} (${restores} restores over it)`)
  tell(verdict, what, { faults, lost: 0, twice: faults.length })
  if (!one.counter) return null
  const detail = job === null ? null : await shown(facts, one)
  checkCounter(facts, one, detail, verdict)
  return detail
}

/** One that has forgotten a job did not run it again. */
const restoresOver = ({ said }: Facts, { job }: Acknowledged, isKnown: boolean): number =>
  said.restoredOver(job) - (isKnown ? 0 : 1)

async function runsOf(facts: Facts, one: Acknowledged, task: number): Promise<TaskRuns> {
  const [view] = (await shown(facts, one, task)).tasks
  return view !== undefined && 'runs' in view ? (view.runs ?? []) : []
}

function checkCounter(
  facts: Facts,
  one: Acknowledged,
  detail: JobDetail | null,
  verdict: Verdict,
): void {
  const counted = countedOf(facts.work, one.name)
  const guarded = one.expected === 'all'
  const succeeded = (detail?.tasks ?? []).flatMap((task) =>
    'index' in task && task.outcome === 'succeeded' ? [task.index] : [],
  )
  const restores = restoresOver(facts, one, detail !== null)
  // Of what is forgotten nothing is owed; it may still not be counted twice.
  const owed = guarded && detail !== null
  const counter = { tasks: one.tasks, guarded: owed, succeeded, restores: guarded ? 0 : restores }
  const found = lookAtCounter(counter, counted)
  tell(verdict, `counter ${one.name} (job ${one.job})`, found)
  if (found.faults.length > 0 || counted.length !== one.tasks || detail === null) return
  verdict.counters.exact += 1
  verdict.counters.sum += one.tasks
}

/** Where a fault may have had a part in the end of a job, its cause must say so. */
const byFault = new Set([
  'signal',
  'outcome-unknown',
  'node-lost',
  'lease-expired',
  'could-not-start',
])

function unexpected(one: Pick<Acknowledged, 'expected'>, job: JobSummary): string | null {
  const cause = job.cause?.kind ?? 'none'
  const ended = `ended as ${job.outcome} by ${cause}`
  if (one.expected === 'all') return job.outcome === 'succeeded' ? null : ended
  if (job.outcome === 'succeeded') return one.expected === 'once' ? null : ended
  if (byFault.has(cause)) return null
  if (one.expected === 'stopped') return cause === 'cancelled' ? null : ended
  if (one.expected === 'limited')
    return cause === 'out-of-memory' || cause === 'time-limit' || cause === 'exit' ? null : ended
  // Status 4: its own evidence could not be written; 3 is what the failing ones exit with.
  if (job.cause?.kind === 'exit')
    return job.cause.code === 4 || (one.expected === 'fails' && job.cause.code === 3) ? null : ended
  return ended
}

const causesOf = (job: JobDetail): string =>
  JSON.stringify(
    job.tasks.map((task) => [task.state, task.cause, 'runs' in task ? task.runs : null]),
  )

/** A request that was sent again under its key must not have made a second job. */
function checkOneJobPerRequest(jobs: JobSummary[], verdict: Verdict): void {
  const seen = new Map<string, number>()
  for (const { name, id, schedule } of jobs) {
    if (schedule !== null) continue
    const other = seen.get(name)
    if (other !== undefined && /-\d+$/.test(name)) {
      verdict.doubleRuns += 1
      verdict.broken.push(`${name} was submitted once, and is job ${other} and job ${id}`)
    }
    seen.set(name, id)
  }
}

function checkDoubles({ work, said }: Facts, verdict: Verdict): void {
  for (const { name } of said.jobs.filter(
    ({ expected, counter }) => expected === 'bot' || counter,
  )) {
    const { starts, doubles } = readBotLog(work, name)
    verdict.doubleRuns += doubles.length
    for (const { run, pid, at } of doubles) {
      const holder = starts.findLast((start) => start.at <= at)
      verdict.broken.push(
        `${name}: run ${run} (pid ${pid}) began at ${at} while run ${holder?.run} (pid ${holder?.pid}, ` +
          `since ${holder?.at}) had the lock`,
      )
    }
  }
}

/** Each minute since a schedule was made is covered by exactly one entry; what ran has done its work. */
async function checkSchedules(
  { client, work, said }: Facts,
  jobs: Map<number, JobSummary>,
  verdict: Verdict,
): Promise<void> {
  for (const { name, at } of said.schedules) {
    const { ledger } = await client.call('showSchedule', {
      params: { schedule: name },
      query: { limit: 1000 },
    })
    const covered = new Map<number, number>()
    for (const { dueAt, until, outcome, count, manual, jobId } of ledger) {
      if (manual) continue
      verdict.firings[outcome] = (verdict.firings[outcome] ?? 0) + count
      const last = Date.parse(until ?? dueAt)
      for (let due = Date.parse(dueAt); due <= last; due += minuteMs) {
        covered.set(due, (covered.get(due) ?? 0) + 1)
      }
      if (outcome === 'ran' && (jobId === null || !jobs.has(jobId))) {
        verdict.lost += 1
        verdict.broken.push(
          `${name}: its firing due ${dueAt} ran as job ${jobId}, which nobody knows`,
        )
      }
    }
    for (
      let due = Math.floor(at / minuteMs + 1) * minuteMs;
      due < Date.now() - 5_000;
      due += minuteMs
    ) {
      const times = covered.get(due) ?? 0
      if (times !== 1)
        verdict.broken.push(
          `${name}: ${times} entries for what was due ${new Date(due).toISOString()}`,
        )
    }
    const lines = duesOf(work, name)
    verdict.firings['in the files'] = (verdict.firings['in the files'] ?? 0) + lines.length
    const forgotten = (due: number) => said.forgottenDue(name, due)
    tell(verdict, name, lookAtDues({ ledger, jobs, name, forgotten }, lines))
    for (const job of jobs.values()) {
      if (job.schedule !== name) continue
      const ended = unexpected({ expected: 'once' }, job)
      if (ended !== null) verdict.broken.push(`${name}: job ${job.id} ${ended}`)
    }
  }
}

async function checkNodes(client: Client, verdict: Verdict): Promise<void> {
  for (const { name, state, cordoned, reason, unknownRuns } of (await client.call('listNodes'))
    .nodes) {
    if (state !== 'up') verdict.broken.push(`${name} is ${state} after the faults have ended`)
    if (cordoned) verdict.broken.push(`${name} is cordoned: ${reason}`)
    for (const run of unknownRuns)
      verdict.broken.push(
        `${name} has a run that nobody knows: ${run.task} epoch ${run.epoch}: ${run.detail}`,
      )
  }
}

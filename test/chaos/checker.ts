/** The independent checker: it believes the workload's own files and the public API, nothing else. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { JobDetail, JobSummary } from '../../proto/job.ts'
import type { Client } from '../../src/client/index.ts'
import { uptime } from '../../src/lib/real-clock.ts'
import type { Acknowledged, Acknowledgements } from './acknowledged.ts'
import { lastBeat, readBotLog } from './bot-log.ts'

export type Verdict = {
  /** A sentence for each promise that was broken, with its evidence. */
  broken: string[]
  lost: number
  doubleRuns: number
  finished: Record<string, number>
  /** Acknowledged due times of schedules, by what became of them. */
  firings: Record<string, number>
}

/** Bots write ten times a second. */
const freshMs = 2_000
const minuteMs = 60_000

type Facts = { client: Client; work: string; said: Acknowledgements }

export async function check(facts: Facts): Promise<Verdict> {
  const verdict: Verdict = { broken: [], lost: 0, doubleRuns: 0, finished: {}, firings: {} }
  const jobs = await allJobs(facts.client)
  for (const one of facts.said.jobs) {
    if (facts.said.givenUp.has(one.job)) continue
    const job = jobs.get(one.job)
    if (job === undefined || job.name !== one.name) {
      verdict.lost += 1
      verdict.broken.push(`job ${one.job} (${one.name}) was acknowledged and is not known any more`)
    } else await checkJob(facts, one, job, verdict)
  }
  checkOneJobPerRequest([...jobs.values()], verdict)
  checkDoubles(facts, verdict)
  await checkSchedules(facts, jobs, verdict)
  await checkNodes(facts.client, verdict)
  return verdict
}

async function allJobs(client: Client): Promise<Map<number, JobSummary>> {
  const found = new Map<number, JobSummary>()
  for (const finished of [false, true]) {
    let page: string | undefined
    do {
      const query = { all: true, finished, limit: 1000, ...(page === undefined ? {} : { page }) }
      const reply = await client.call('listJobs', { query }, { patienceMs: 60_000 })
      for (const job of reply.jobs) found.set(job.id, job)
      page = reply.next ?? undefined
    } while (page !== undefined)
  }
  return found
}

/** Runs that have said that they began: their keys, `JOB.INDEX.EPOCH.RUN`. */
function linesOf(work: string, name: string): string[] {
  const path = join(work, `${name}.lines`)
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
  return lines.filter((line) => line !== '').map((line) => line.split(' ')[0] ?? '')
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
    else if (silentMs > freshMs)
      broken.push(`bot ${what} is said to run, and was last seen ${silentMs} ms ago`)
    return
  }
  if (job.state !== 'finished' || job.outcome === null) {
    broken.push(`${what} has not ended: it is ${job.state} (${job.reason})`)
    return
  }
  const tally = `${one.expected}: ${job.outcome}`
  verdict.finished[tally] = (verdict.finished[tally] ?? 0) + 1
  const runs = linesOf(facts.work, one.name)
  const twice = runs.filter((key, at) => runs.indexOf(key) !== at)
  if (twice.length > 0) {
    verdict.doubleRuns += twice.length
    broken.push(`${what}: run ${twice.join(', ')} was executed twice`)
  }
  const done = new Set(runs.map((key) => key.split('.')[1]))
  const mayRepeat = one.expected === 'all' || facts.said.restoredOver.has(one.job)
  if (!mayRepeat && runs.length > one.tasks) {
    verdict.doubleRuns += runs.length - one.tasks
    broken.push(`${what} may run once, and ran as ${runs.join(', ')}`)
  }
  const mustBeDone = job.outcome === 'succeeded' || one.expected === 'all'
  if (mustBeDone && done.size < one.tasks) {
    verdict.lost += one.tasks - done.size
    broken.push(
      `${what} is ${job.outcome}, but only ${done.size} of ${one.tasks} tasks did their work`,
    )
  }
  const outcome = unexpected(one, job)
  if (outcome !== null) {
    const detail = await facts.client.call('showJob', { params: { job: String(one.job) } })
    broken.push(`${what} ${outcome}: ${causesOf(detail)}`)
  }
}

/** Where a fault may have had a part in the end of a job, its cause must say so. */
const byFault = new Set([
  'signal',
  'outcome-unknown',
  'node-lost',
  'lease-expired',
  'could-not-start',
])

function unexpected(one: Acknowledged, job: JobSummary): string | null {
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
  for (const { name } of said.jobs.filter(({ expected }) => expected === 'bot')) {
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
    const ran = linesOf(work, name)
    const twice = ran.filter((key, nth) => ran.indexOf(key) !== nth)
    verdict.doubleRuns += twice.length
    for (const key of twice) verdict.broken.push(`${name}: run ${key} was executed twice`)
    for (const job of jobs.values()) {
      if (job.schedule !== name || job.outcome !== 'succeeded') continue
      if (!ran.some((key) => key.startsWith(`${job.id}.`)))
        verdict.broken.push(`${name}: job ${job.id} succeeded without having done its work`)
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

/** Processes of the workload that live, by their command line. */
export function workersAlive(program: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words[0] === program ? [`${pid} ${words.slice(1).join(' ')}`.trim()] : []
      } catch {
        return []
      }
    })
}

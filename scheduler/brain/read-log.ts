/** Output of a job, read through the node that has it; what is kept of it where that node is gone. */
import type { jobRoutes } from '../../proto/api-jobs.ts'
import { iso } from '../../proto/ids.ts'
import type { JobSpec } from '../../proto/job.ts'
import type { Reply } from '../../proto/route.ts'
import type { Ask } from '../../proto/sync.ts'
import { done, refuse, type Result } from '../core/result.ts'
import type { RunRow } from '../store/change.ts'
import type { AskDesk } from './ask-desk.ts'
import type { Call } from './call.ts'
import type { BrainContext } from './context.ts'
import { findJob } from './reads.ts'
import { mayMaintain, notMaintained } from './sharing.ts'
import { factsOf } from './stored.ts'

type LogReply = Reply<(typeof jobRoutes)['readLog']>
type Output = { out: Ask['mark']; err: Ask['mark']; tail: { out: string; err: string } | null }

const runsRead = 1_000
const askTimeoutMs = 10_000
const bytesAtOnce = 256 * 1024
/** A follower that waits for more is looked after this often. */
const lookAgainMs = 400

export async function readLog(
  ctx: BrainContext,
  asks: AskDesk,
  call: Call<'readLog'>,
): Promise<Result<LogReply>> {
  const found = await findJob(ctx, call.caller, call.params.job)
  if (!found.ok) return found
  const { live, row } = found.value
  const id = live?.id ?? row?.id ?? 0
  const owner = live?.owner ?? row?.owner ?? ''
  if (!mayMaintain(ctx, call.caller, owner, id))
    return notMaintained(ctx, `the output of job ${id}`, owner, id)
  const array = live ? live.array : row === null ? null : factsOf(row.factsJson, row).array
  if (array !== null && found.value.index === null) {
    return refuse(
      'invalid',
      `job ${id} is an array: each task has its own output`,
      `name a task, for example \`eg logs ${id}.1\``,
    )
  }
  const index = found.value.index ?? 1
  const end = ctx.clock.uptime() + (call.query.waitMs ?? 0)
  for (;;) {
    const reply = await readOnce(ctx, asks, call, { id, index, owner })
    const leftMs = end - ctx.clock.uptime()
    if (!reply.ok || reply.value.data !== '' || reply.value.over || leftMs <= 0) return reply
    await new Promise<void>((resolve) => ctx.clock.after(Math.min(lookAgainMs, leftMs), resolve))
  }
}

async function readOnce(
  ctx: BrainContext,
  asks: AskDesk,
  { query }: Call<'readLog'>,
  job: { id: number; index: number; owner: string },
): Promise<Result<LogReply>> {
  await ctx.journal.settled()
  // Asked before the node is: what a finished job wrote was there before it was finished.
  const over = !ctx.state.jobs.has(job.id)
  const [runs, stored] = await Promise.all([
    ctx.store.query('runs', { job: job.id, from: job.index, to: job.index, newest: runsRead }),
    ctx.store.query('job', { id: job.id }),
  ])
  const place = placeOf(runs, query)
  if (place === null || !stored?.specJson) {
    if (query.run !== undefined)
      return refuse(
        'not-found',
        `job ${job.id} has no run ${query.run}`,
        `see its runs with \`eg show ${job.id}\``,
      )
    const note = over ? 'it never started' : 'it has not started yet'
    return done({ data: '', cursor: null, end: true, over, note })
  }
  const { run, next } = place
  const spec = JSON.parse(stored.specJson) as JobSpec
  const isUp = ctx.state.nodes.get(run.node)?.state === 'up'
  const answer = isUp
    ? await asks.ask(run.node, askOf(place, spec, query, job, runs), askTimeoutMs)
    : null
  if (answer?.ok) {
    const position = answer.cursor ?? place.cursor ?? ''
    const moved = answer.end && next !== null
    const cursor = moved
      ? `${next.epoch}/${onwardTo(next, query, position)}`
      : `${run.epoch}/${position}`
    const end = answer.end && !moved
    return done({ data: answer.data, cursor, end, over: over && end, note: null })
  }
  if (isUp && answer === null) return silent(run.node)
  if (next === null && !over && query.run === undefined) return silent(run.node, answer?.problem)
  return done(keptOf(place, query, over, answer?.problem))
}

const silent = (node: string, problem: string | null = null) =>
  refuse(
    'node-silent',
    problem ?? `node ${node} does not answer`,
    problem === null
      ? 'try again; its state is in `eg nodes`'
      : 'it may not have begun, or its file is gone; `eg show` says how its runs fare',
  )

/** Where reading goes on: a placement's newest run, the cursor within it, and the placement that follows it. */
type Place = { run: RunRow; cursor: string | null; next: RunRow | null; isMoved: boolean }

/** A cursor is `EPOCH/CURSOR OF THE NODE`: what an earlier placement wrote elsewhere is read to its end first. */
function placeOf(runs: readonly RunRow[], query: Call<'readLog'>['query']): Place | null {
  const slash = query.cursor?.indexOf('/') ?? -1
  const text = query.cursor?.slice(slash + 1) ?? ''
  const cursor = text === '' ? null : text
  if (query.run !== undefined) {
    const run = runs.find(({ number }) => number === query.run)
    return run ? { run, cursor, next: null, isMoved: false } : null
  }
  const newest = runs.at(-1)
  if (newest === undefined) return null
  const epoch = slash < 0 ? newest.epoch : Number(query.cursor?.slice(0, slash))
  const run = runs.findLast((one) => one.epoch === epoch)
  if (run === undefined) return { run: newest, cursor: null, next: null, isMoved: true }
  const next = runs.find((one) => one.epoch > epoch) ?? null
  return { run, cursor, next, isMoved: slash >= 0 && cursor === null }
}

/** What the scheduler keeps of the end of a run, where its file cannot be read. */
function keptOf(
  { run, cursor, next }: Place,
  query: Call<'readLog'>['query'],
  over: boolean,
  problem: string | null = null,
): LogReply {
  const output = outputOf(run)
  const kept = output?.tail?.[query.stream ?? 'out']
  const why = `the file on ${run.node} cannot be read (${problem ?? 'the node does not answer'})`
  const note = {
    none: `${why}, and nothing was kept of ${cursor === null ? 'it' : 'what followed'}`,
    rest: `${why}: what followed is lost, but for the end that \`eg logs\` shows without -f`,
    kept: `${why}; this is the end that was kept on ${iso(run.endedAt ?? 0)}`,
  }[kept === undefined ? 'none' : cursor === null ? 'kept' : 'rest']
  const isLast = next === null
  // What never began has no output to be missing.
  const began = !run.causeJson?.startsWith('{"kind":"could-not-start"')
  return {
    data: (cursor === null ? kept : null) ?? '',
    cursor: isLast ? `${run.epoch}/kept` : `${next.epoch}/${onwardTo(next, query, cursor ?? '')}`,
    end: isLast,
    over: isLast && (over || query.run !== undefined),
    note,
    ...(began && { missing: true }),
  }
}

/**
 * Where reading of the next placement begins: with its own part (''), or behind what of it has been read already, where
 * both nodes write into one file (a shared home): the same inode, in which it began behind what was there before.
 */
function onwardTo(next: RunRow, query: Call<'readLog'>['query'], position: string): string {
  const mark = markOf(next, query)
  const [inode, offset] = position.split(':').map(Number)
  const isOneFile = mark !== null && mark.offset > 0 && mark.inode === inode
  return isOneFile && mark.offset <= (offset ?? 0) ? position : ''
}

const markOf = (run: RunRow | undefined, { stream }: Call<'readLog'>['query']): Ask['mark'] =>
  outputOf(run)?.[stream ?? 'out'] ?? null

const outputOf = (run: RunRow | undefined): Output | null =>
  JSON.parse(run?.outputJson ?? 'null') as Output | null

function askOf(
  { run, cursor, isMoved }: Place,
  spec: JobSpec,
  query: Call<'readLog'>['query'],
  { id, index, owner }: { id: number; index: number; owner: string },
  runs: readonly RunRow[],
): Ask {
  const stream = query.stream ?? 'out'
  const following = runs.find(({ number, node }) => number === run.number + 1 && node === run.node)
  const firstThere = runs.find(({ epoch }) => epoch === run.epoch)
  // Without a run all that is left of the job's output on the node is meant, rotated parts too, and what it wrote into the
  // same file from elsewhere (a shared home); after a move only what is new.
  const inodeOf = (one: RunRow) => markOf(one, query)?.inode ?? -1
  const files = new Set(runs.filter(({ node }) => node === run.node).map(inodeOf))
  files.delete(-1)
  const firstEver =
    runs.length < runsRead
      ? runs.find((one) => one.node === run.node || files.has(inodeOf(one)))
      : undefined
  const first = isMoved ? firstThere : firstEver
  const mark = markOf(query.run === undefined ? first : run, query)
  return {
    kind: 'read-output',
    task: `${id}.${index}`,
    epoch: run.epoch,
    run: query.run ?? null,
    stream,
    cursor,
    tailLines: cursor === null && !isMoved ? (query.tail ?? null) : null,
    maxBytes: bytesAtOnce,
    owner,
    spec,
    job: id,
    index,
    mark,
    endMark: query.run === undefined ? null : markOf(following, query),
  }
}

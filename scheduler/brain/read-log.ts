import type { jobRoutes } from '../../proto/api-jobs.ts'
/** Output of a job, read through the node that has it; what is kept of it where that node is gone. */
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
import { mayChange, notYours } from './select.ts'

type LogReply = Reply<(typeof jobRoutes)['readLog']>
type Output = { out: Ask['mark']; err: Ask['mark']; tail: { out: string; err: string } | null }

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
  if (!mayChange(call.caller, owner)) return notYours(`the output of job ${id}`, owner)
  const array = live ? live.array : (JSON.parse(row?.factsJson ?? '{}') as { array: unknown }).array
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
  const stream = query.stream ?? 'out'
  await ctx.journal.settled()
  const { id, index } = job
  const [runs, stored] = await Promise.all([
    ctx.store.query('runs', { job: id, from: index, to: index, newest: 1_000 }),
    ctx.store.query('job', { id }),
  ])
  const over = stored?.finishedAt !== null && !ctx.state.jobs.has(id)
  const run =
    query.run === undefined ? runs.at(-1) : runs.find(({ number }) => number === query.run)
  if (!run || !stored?.specJson) {
    if (query.run !== undefined)
      return refuse(
        'not-found',
        `job ${id} has no run ${query.run}`,
        `see its runs with \`eg show ${id}\``,
      )
    return done({ data: '', cursor: null, end: true, over, note: 'it has not started yet' })
  }
  // A cursor names the node it belongs to: after a move, reading goes on at the new node's beginning.
  const cursor = cursorFor(query.cursor, run.node)
  const output = JSON.parse(run.outputJson ?? 'null') as Output | null
  const node = ctx.state.nodes.get(run.node)
  const answer =
    node?.state === 'up'
      ? await asks.ask(
          run.node,
          askOf(run, stored.specJson, output, query, cursor, job, runs),
          askTimeoutMs,
        )
      : null
  if (answer?.ok) {
    const next = answer.cursor === null ? (query.cursor ?? null) : `${run.node}/${answer.cursor}`
    return done({
      data: answer.data,
      cursor: next,
      end: answer.end,
      over: over && answer.end,
      note: null,
    })
  }
  if (!over && query.run === undefined) {
    return refuse(
      'node-silent',
      answer?.problem ?? `node ${run.node} does not answer`,
      'try again; its state is in `eg nodes`',
    )
  }
  const tail = cursor === null ? output?.tail?.[stream] : ''
  const note = `the file on ${run.node} cannot be read (${answer?.problem ?? 'the node does not answer'}); this is the end that was kept on ${iso(run.endedAt ?? 0)}`
  return done({
    data: tail ?? '',
    cursor: `${run.node}/kept`,
    end: true,
    over: true,
    note: tail === undefined ? `nothing was kept of it: ${note}` : note,
  })
}

function cursorFor(text: string | undefined, node: string): string | null {
  if (text === undefined) return null
  const slash = text.indexOf('/')
  return text.slice(0, slash) === node ? text.slice(slash + 1) : null
}

function askOf(
  run: RunRow,
  specJson: string,
  output: Output | null,
  query: Call<'readLog'>['query'],
  cursor: string | null,
  { id, index, owner }: { id: number; index: number; owner: string },
  runs: readonly RunRow[],
): Ask {
  const stream = query.stream ?? 'out'
  const following = runs.find(({ number, node }) => number === run.number + 1 && node === run.node)
  const next = following && (JSON.parse(following.outputJson ?? 'null') as Output | null)
  return {
    kind: 'read-output',
    task: `${id}.${index}`,
    epoch: run.epoch,
    run: query.run ?? null,
    stream,
    cursor,
    tailLines: cursor === null ? (query.tail ?? null) : null,
    maxBytes: bytesAtOnce,
    owner,
    spec: JSON.parse(specJson) as JobSpec,
    job: id,
    index,
    // Without a run the whole file is meant, with what earlier runs wrote into it.
    mark: query.run === undefined ? null : (output?.[stream] ?? null),
    endMark: query.run === undefined ? null : (next?.[stream] ?? null),
  }
}

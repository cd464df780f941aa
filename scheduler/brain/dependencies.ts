/** What a job is to wait for: jobs by number, name or pattern; those that have ended are judged by history. */
import { parseJobRef } from '../../proto/ids.ts'
import type { Dependency, JobRequest, Outcome } from '../../proto/job.ts'
import { globTest, isPattern } from '../core/glob.ts'
import { done, refuse, type Refused, type Result } from '../core/result.ts'
import type { BrainContext } from './context.ts'

type After = NonNullable<JobRequest['after']>

/** Those that have yet to end. History is looked up before the command that submits. */
export async function lookUpDependencies(
  ctx: BrainContext,
  owner: string,
  after: After,
): Promise<Result<Dependency[]>> {
  const resolved = dependenciesOf(ctx, owner, after)
  if (!resolved.ok) return resolved
  const wanted = resolved.value
  const outcomeOf = new Map<number, Outcome | null>()
  for (;;) {
    const gone = wanted
      .map(({ job }) => job)
      .filter((job) => !ctx.state.jobs.has(job) && !outcomeOf.has(job))
    if (gone.length === 0) break
    // What ended just now is in history with the next commit; others may end while this is awaited.
    await ctx.journal.settled()
    for (const job of gone) outcomeOf.set(job, null)
    for (const { id, outcome } of await ctx.store.query('outcomes', { jobs: gone }))
      outcomeOf.set(id, outcome as Outcome | null)
  }
  const unmet: Dependency[] = []
  for (const dependency of wanted) {
    if (ctx.state.jobs.has(dependency.job)) unmet.push(dependency)
    else {
      const problem = judgeEnded(dependency, outcomeOf.get(dependency.job) ?? null)
      if (problem) return problem
    }
  }
  return done(unmet)
}

/** Each pattern is held against all names of the owner's jobs. */
const mostPatterns = 100

/** Each once, however often and in whatever words it is named. */
function dependenciesOf(ctx: BrainContext, owner: string, after: After): Result<Dependency[]> {
  const found = new Map<string, Dependency>()
  const add = (job: number, on: Dependency['on']) => found.set(`${job}:${on}`, { job, on })
  const patterns = new Set(after.filter(({ all }) => all === true).map(({ job }) => job))
  if ([...patterns].filter(isPattern).length > mostPatterns)
    return refuse(
      'refused',
      `--after may have ${mostPatterns} patterns at most`,
      'join some in one',
    )
  const known = new Map([...patterns].map((text) => [text, allOf(ctx, owner, text)]))
  for (const { job, on, all } of after) {
    if (all === true) {
      for (const id of known.get(job) ?? []) add(id, on)
      continue
    }
    const id = resolveDependency(ctx, owner, job)
    if (id === null) return unknownDependency(job)
    add(id, on)
  }
  return done([...found.values()])
}

function resolveDependency(ctx: BrainContext, owner: string, text: string): number | null {
  const ref = parseJobRef(text)
  if (ref.kind === 'number') return ref.job < ctx.state.nextJob ? ref.job : null
  return ctx.state.newest(owner, ref.name)
}

/** Of what has finished memory holds no names: who asks is told how it is named. */
function unknownDependency(text: string): Refused {
  const ref = parseJobRef(text)
  return ref.kind === 'number'
    ? refuse('not-found', `--after ${text}: there is no job ${ref.job}`, 'see yours with `eg jobs`')
    : refuse(
        'not-found',
        `--after ${text}: you have no live job "${ref.name}"`,
        `name one that has finished by its number: \`eg history --name ${ref.name}\``,
      )
}

/** Live jobs of that number, or of the owner's whose names match. */
function allOf(ctx: BrainContext, owner: string, text: string): number[] {
  const ref = parseJobRef(text)
  if (ref.kind === 'number') return ctx.state.jobs.has(ref.job) ? [ref.job] : []
  const fits = globTest(ref.name)
  const names = isPattern(text) ? [...ctx.state.namesOf(owner)].filter(fits) : [ref.name]
  const jobs = names.flatMap((name) => [...ctx.state.named(owner, name)])
  return jobs.map(({ id }) => id).sort((a, b) => a - b)
}

function judgeEnded({ job, on }: Dependency, outcome: Outcome | null): Refused | null {
  if (outcome === null) return refuse('not-found', `--after ${job}: there is no job ${job}`)
  if (on === 'any' || (on === 'ok') === (outcome === 'succeeded')) return null
  return refuse(
    'refused',
    `--after ${job}:${on}: job ${job} has already ${outcome}, so this job could never run`,
    `submit it without --after, or with ${job}:any`,
  )
}

/** Quotas: which limit holds for an owner, and what a request that goes over one is told. */
import type { Refusal } from '../../proto/errors.ts'
import { limitWords, type LimitName, type Limits } from '../../proto/limits.ts'
import type { QuotaSubject } from '../../proto/quota.ts'
import { formatDuration, formatSize } from '../../proto/resources.ts'

/** One thing said about one limit; `until` of a raise, else null. */
export type Grant = {
  value: number | null
  until: number | null
  by: string
  at: number
  why: string
}
/** All that is said for one subject: for good, and for a time. */
export type Rules = {
  standing: Partial<Record<LimitName, Grant>>
  raised: Partial<Record<LimitName, Grant>>
}
/** Of one owner: the value (null: none), who says so, and until when. */
export type Limit = { value: number | null; from: string; until: number | null }

/**
 * Slots and memory have none: fair shares give everybody a part of them. The others bound what an owner can make
 * the scheduler hold and do, far above what people need.
 */
export const builtInLimits: Limits = {
  slots: null,
  memory: null,
  jobs: 100_000,
  continuous: 1_000,
  schedules: 1_000,
  pending: 20_000_000,
  requests: 12_000,
}

/** For whom the grid is run, there is nobody to be bounded for. */
export const noLimits: Limits = {
  slots: null,
  memory: null,
  jobs: null,
  continuous: null,
  schedules: null,
  pending: null,
  requests: null,
}

/** What holds for an owner of whom nobody has said anything. */
export type BuiltIn = (owner: string) => Limits

export const subjectText = ({ kind, name }: QuotaSubject): string =>
  kind === 'default' ? kind : `${kind}:${name}`

export function subjectOf(text: string): QuotaSubject {
  const colon = text.indexOf(':')
  if (colon < 0) return { kind: 'default', name: null }
  return { kind: text.startsWith('group:') ? 'group' : 'owner', name: text.slice(colon + 1) }
}

export class QuotaBook {
  /** By `subjectText`. */
  readonly rules = new Map<string, Rules>()
  /** Who is in the groups that have rules. */
  readonly members = new Map<string, ReadonlySet<string>>()
  readonly #builtIn: BuiltIn

  constructor(builtIn: BuiltIn) {
    this.#builtIn = builtIn
  }

  /** The owner's own rule, else the widest of its groups', else everybody's; a raise before what stands. */
  limit(owner: string, name: LimitName, now: number): Limit {
    if (this.rules.size === 0) return this.#builtInOf(owner, name)
    return (
      this.#said(`owner:${owner}`, name, now) ??
      this.#ofGroups(owner, name, now) ??
      this.#said('default', name, now) ??
      this.#builtInOf(owner, name)
    )
  }

  #builtInOf(owner: string, name: LimitName): Limit {
    return { value: this.#builtIn(owner)[name], from: 'built-in', until: null }
  }

  #said(subject: string, name: LimitName, now: number): Limit | null {
    const rules = this.rules.get(subject)
    const raise = rules?.raised[name]
    const grant = raise !== undefined && isOn(raise, now) ? raise : rules?.standing[name]
    return grant === undefined ? null : { value: grant.value, from: subject, until: grant.until }
  }

  #ofGroups(owner: string, name: LimitName, now: number): Limit | null {
    let widest: Limit | null = null
    for (const [group, members] of this.members) {
      if (!members.has(owner)) continue
      const said = this.#said(`group:${group}`, name, now)
      if (said !== null && (widest === null || isWider(said.value, widest.value))) widest = said
    }
    return widest
  }

  /** Says something of a subject, or with `null` unsays it; what is over is forgotten. */
  say(
    subject: string,
    said: Partial<Record<LimitName, Omit<Grant, 'until'> | null>>,
    until: number | null,
    now: number,
  ): void {
    const before = this.rules.get(subject) ?? { standing: {}, raised: {} }
    const rules: Rules = { standing: { ...before.standing }, raised: {} }
    for (const [name, raise] of entries(before.raised)) {
      if (isOn(raise, now)) rules.raised[name] = raise
    }
    for (const [name, grant] of entries(said)) {
      const kept = until === null ? rules.standing : rules.raised
      // For good means: nothing that was said for a time stands in its way.
      if (until === null) delete rules.raised[name]
      if (grant === null) delete kept[name]
      else kept[name] = { ...grant, until }
    }
    const isEmpty = entries(rules.standing).length + entries(rules.raised).length === 0
    if (isEmpty) this.rules.delete(subject)
    else this.rules.set(subject, rules)
  }
}

const isOn = ({ until }: Grant, now: number): boolean => until === null || until > now
const isWider = (a: number | null, b: number | null): boolean => (a ?? Infinity) > (b ?? Infinity)
const entries = <T>(record: Partial<Record<LimitName, T>>) =>
  Object.entries(record) as [LimitName, T][]

/** Null: there is room for `more` beside what is `used`. */
export function overQuota(
  owner: string,
  name: LimitName,
  limit: Limit,
  { used, more }: { used: number; more: number },
): Refusal | null {
  if (limit.value === null || used + more <= limit.value) return null
  const text = (value: number): string => `${valueText(name, value)} ${limitWords[name]}`
  const asked =
    used === 0
      ? `this asks for ${text(more)}`
      : `${owner} has ${text(used)}, this asks for ${valueText(name, more)} more`
  return {
    code: 'over-quota',
    detail: `${asked}, and ${limitText(owner, name, limit)}`,
    hint: `${wayOut[name]}; ${raiseHint(owner, name, used + more)}`,
  }
}

const limitText = (owner: string, name: LimitName, { value, from }: Limit): string =>
  `the limit of ${owner} is ${valueText(name, value)} (${from})`

export const valueText = (name: LimitName, value: number | null): string =>
  value === null ? 'none' : name === 'memory' ? formatSize(value) : String(value)

const wayOut: Readonly<Record<LimitName, string>> = {
  slots: 'wait until one of its tasks ends, or stop one: `eg quota` says which there are',
  memory: 'wait until one of its tasks ends, or stop one: `eg quota` says which there are',
  jobs: 'wait until some have ended, or stop some; one array job takes the place of many',
  continuous: 'stop one: `eg jobs --kind continuous` lists them',
  schedules: 'remove one: `eg schedules` lists them',
  pending: 'wait until some have started, or stop some: `eg quota` says which there are',
  requests: 'ask less often: `eg wait` and `eg events -f` tell what happens without asking again',
}

const raiseHint = (owner: string, name: LimitName, value: number): string =>
  `operators may raise it: eg quota set --owner ${owner} ${name}=${valueText(name, value)} --for 7d`

export type Held = { slots: number; memBytes: number }
type Asked = { slots: number; memBytes: number }

/** What keeps a waiting task of this owner from any node, for `eg explain`; null where no quota does. */
export function quotaBlocker(
  owner: string,
  asked: Asked,
  held: Held,
  limits: { slots: Limit; memory: Limit },
): { code: string; detail: string; wayOut: string } | null {
  const slots = blockerOf(owner, 'slots', asked.slots, held.slots, limits.slots)
  return slots ?? blockerOf(owner, 'memory', asked.memBytes, held.memBytes, limits.memory)
}

function blockerOf(
  owner: string,
  name: 'slots' | 'memory',
  more: number,
  used: number,
  limit: Limit,
) {
  if (limit.value === null || used + more <= limit.value) return null
  const text = (value: number): string => valueText(name, value)
  const what = name === 'slots' ? 'slots' : 'of memory'
  const detail = `it asks for ${text(more)} ${what}, ${owner} holds ${text(used)}, and ${limitText(owner, name, limit)}`
  const least = more > limit.value
  const way = least
    ? `ask for ${text(limit.value)} or less; ${raiseHint(owner, name, more)}`
    : `${wayOut[name]}; ${raiseHint(owner, name, used + more)}`
  return { code: `quota-${name}`, detail, wayOut: way }
}

/** For submit: a task that no node will get while the limit stands. */
export function neverWithin(
  owner: string,
  asked: Asked,
  limits: { slots: Limit; memory: Limit },
): string | null {
  const blocker = quotaBlocker(owner, asked, { slots: 0, memBytes: 0 }, limits)
  return blocker === null ? null : `it waits: ${blocker.detail}; ${blocker.wayOut}`
}

export function tooManyRequests(owner: string, limit: Limit, retryAfterMs: number): Refusal {
  return {
    code: 'too-many-requests',
    detail: `too many requests: ${limitText(owner, 'requests', limit)} in a minute`,
    hint: `try again in ${formatDuration(Math.max(1000, retryAfterMs))}; ${wayOut.requests}`,
  }
}

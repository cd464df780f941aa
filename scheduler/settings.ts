/** Settings of a scheduler: defaults, what the environment may change of them, and whose jobs are refused. */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

import type { Refusal } from '../proto/errors.ts'
import { parseLimit, type LimitName } from '../proto/limits.ts'
import { parseDuration } from '../proto/resources.ts'
import { findAccount, groupMembers, hasGroup } from '../src/lib/accounts.ts'
import type { AccountsOfMachine, BrainSettings } from './brain/context.ts'
import { defaultLimits } from './core/admission.ts'
import { defaultBreaker, type BreakerSettings } from './core/breaker.ts'
import { defaultLease, type LeaseSettings } from './core/lease.ts'
import { defaultHalfLifeMs } from './core/placement/shares.ts'
import { builtInLimits, noLimits, type BuiltIn } from './core/quota.ts'

const dayMs = 86_400_000
/** Below this, accounts belong to the system (login.defs(5), UID_MIN). */
const firstPersonUid = 1000
/** What daemons without rights run as: no person either. */
const nobodyUid = 65_534

export function brainSettings(options: {
  version: string
  place: string
  /** The account that the scheduler runs as. */
  self: string
  refuseOwner: BrainSettings['refuseOwner']
  accounts?: AccountsOfMachine
}): BrainSettings {
  const { self, ...rest } = options
  return {
    limits: defaultLimits,
    quota: quotaFromEnvironment(process.env['EVERGRID_QUOTA'], self),
    shareHalfLifeMs: halfLifeFromEnvironment(process.env['EVERGRID_SHARE_HALF_LIFE']),
    groupMembers,
    lease: leaseFromEnvironment(process.env['EVERGRID_LEASE']),
    breaker: breakerFromEnvironment(process.env['EVERGRID_CANARY_AFTER']),
    tickGapMs: 4,
    replacedPerSecond: 100,
    keepFinishedMs: 30 * dayMs,
    keepEventsMs: 30 * dayMs,
    ...rest,
  }
}

/**
 * `EVERGRID_LEASE=SILENT,TERM,KILL,END` in seconds: shorter leases for tests and for grids whose network is good.
 * The four must rise, with at least a second between, or a node could be replaced before it has stopped.
 */
export function leaseFromEnvironment(text: string | undefined): LeaseSettings {
  if (text === undefined || text === '') return defaultLease
  const [silent, term, kill, end] = text.split(',').map((part) => Number(part) * 1000)
  const rises = [silent, term, kill, end].every(
    (value, at, all) =>
      value !== undefined && value >= (at === 0 ? 1000 : (all[at - 1] ?? 0) + 1000),
  )
  if (
    !rises ||
    silent === undefined ||
    term === undefined ||
    kill === undefined ||
    end === undefined
  ) {
    throw new Error(
      `EVERGRID_LEASE is "${text}"; write four rising numbers of seconds: SILENT,TERM,KILL,END, for example 20,240,270,300`,
    )
  }
  return {
    ...defaultLease,
    // One late report must not make a node silent.
    reportEveryMs: Math.min(defaultLease.reportEveryMs, silent / 4),
    silentAfterMs: silent,
    terms: { termMs: term, killMs: kill, endMs: end },
  }
}

/** `EVERGRID_SHARE_HALF_LIFE`: in which half of what an owner used is forgotten, for example `12h`. */
export function halfLifeFromEnvironment(text: string | undefined): number {
  if (text === undefined || text === '') return defaultHalfLifeMs
  const parsed = parseDuration(text)
  if (parsed.ok && parsed.value >= 1000) return parsed.value
  throw new Error(`EVERGRID_SHARE_HALF_LIFE is "${text}"; write for example 12h, at least 1s`)
}

/**
 * `EVERGRID_QUOTA=LIMIT=VALUE,…`: limits of whoever nobody has said anything else about, for example `jobs=500,slots=none`.
 * What is built in bounds strangers to each other, and not the account whose grid it is.
 */
export function quotaFromEnvironment(text: string | undefined, self: string): BuiltIn {
  const said: Partial<Record<LimitName, number | null>> = {}
  for (const word of (text ?? '').split(',').filter((part) => part !== '')) {
    const parsed = parseLimit(word)
    if (!parsed.ok) throw new Error(`EVERGRID_QUOTA: ${parsed.problem}`)
    const [name, value] = parsed.value
    said[name] = value
  }
  const ofOthers = { ...builtInLimits, ...said }
  const ofSelf = { ...noLimits, ...said }
  return (owner) => (owner === self ? ofSelf : ofOthers)
}

/** `EVERGRID_REQUEST_QUEUE`: people's requests that are taken at a time; undefined: the usual number. */
export function requestQueueFromEnvironment(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new Error(`EVERGRID_REQUEST_QUEUE is "${text}"; write a number from 1 to 999999`)
}

/** `EVERGRID_CANARY_AFTER`: seconds until a node that was just quarantined is tried with one task. */
export function breakerFromEnvironment(text: string | undefined): BreakerSettings {
  if (text === undefined || text === '') return defaultBreaker
  const firstPauseMs = Number(text) * 1000
  if (!(firstPauseMs > 0 && firstPauseMs <= defaultBreaker.longestPauseMs)) {
    throw new Error(
      `EVERGRID_CANARY_AFTER is "${text}"; write seconds, at most 3600, for example 60`,
    )
  }
  return { ...defaultBreaker, firstPauseMs }
}

/** A private grid runs its own account's jobs; root's grid those of people, and of the system only if so told. */
export function ownerRule(options: {
  self: string
  isRoot: boolean
  allowRootJobs: boolean
}): BrainSettings['refuseOwner'] {
  const { self, isRoot, allowRootJobs } = options
  return (owner) => {
    if (!isRoot) {
      if (owner === self) return null
      return {
        detail: `this grid is private to ${self} and runs jobs of no other account`,
        hint: 'ask for a grid that root runs, or start your own with `eg up`',
      }
    }
    if (allowRootJobs) return null
    const uid = uidOf(owner)
    if (uid === null || (uid >= firstPersonUid && uid !== nobodyUid)) return null
    return {
      detail: `jobs of ${owner} (uid ${uid}, ${uid === 0 ? 'root' : 'a system account'}) are refused`,
      hint: 'submit as an ordinary account, or start the grid with --allow-root-jobs',
    }
  }
}

/** Accounts as this machine knows them; `self` runs the scheduler. */
export function accountsOf(self: string): AccountsOfMachine {
  return {
    maker: self,
    problemOf: (account) =>
      // A number is looked up as a uid; only the name itself will do.
      missing(`account ${account}`, async () => (await findAccount(account))?.name === account),
    problemOfGroup: (group) => missing(`unix group ${group}`, () => hasGroup(group)),
  }
}

async function missing(what: string, look: () => Promise<boolean>): Promise<Refusal | null> {
  try {
    return (await look()) ? null : { code: 'not-found', detail: `this machine has no ${what}` }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { code: 'unavailable', detail, hint: 'try again when the machine can look it up' }
  }
}

/** Where this scheduler is: a node that last spoke to another place may hear a refusal from nobody. */
export function placeOf({ host, port }: { host: string; port: number }): string {
  let machine = hostname()
  try {
    machine = readFileSync('/etc/machine-id', 'utf8').trim()
  } catch {
    // Not every container has one.
  }
  return `${machine} ${host}:${port}`
}

/** From the local account file: system accounts are local ones. */
function uidOf(owner: string): number | null {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${owner}:`))
  return line === undefined ? null : Number(line.split(':')[2])
}

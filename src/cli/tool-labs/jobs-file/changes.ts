/** What a jobs file would change: compared key by key with what lives. */
import { isDeepStrictEqual } from 'node:util'

import { written, type Written } from './keys.ts'
import { saidOf } from './said.ts'
import type { FullJob, Wanted, When } from './wanted.ts'

export type Present =
  | { kind: 'continuous'; name: string; id: number; job: FullJob }
  | { kind: 'schedule'; name: string; job: FullJob; when: When }
  /** A live one-off: it is not compared, only known to run. */
  | { kind: 'once'; name: string; id: number }

export type Difference = { key: string; before: unknown; after: unknown }
export type Change =
  | { what: 'create'; wanted: Wanted }
  | { what: 'update'; wanted: Wanted; present: Present; differences: Difference[] }
  | { what: 'keep'; wanted: Wanted; present: Present }
  | { what: 'remove'; present: Present; why: 'not in the file' | 'of another kind now' }

/** Removals come first: they make room, and free the name of what changes its kind. */
export function changesOf(
  wanted: readonly Wanted[],
  present: readonly Present[],
  { home, prune }: { home: string; prune: boolean },
): Change[] {
  const lasting = present.filter(({ kind }) => kind !== 'once')
  const named = new Map(wanted.map((each) => [each.name, each]))
  const removals = lasting.flatMap((old): Change[] => {
    const now = named.get(old.name)
    if (now === undefined)
      return prune ? [{ what: 'remove', present: old, why: 'not in the file' }] : []
    return now.kind === old.kind
      ? []
      : [{ what: 'remove', present: old, why: 'of another kind now' }]
  })
  return [...removals, ...wanted.map((each) => changeOf(each, present, home))]
}

function changeOf(wanted: Wanted, all: readonly Present[], home: string): Change {
  const present = all.find(({ kind, name }) => kind === wanted.kind && name === wanted.name)
  if (present === undefined) return { what: 'create', wanted }
  if (present.kind === 'once') return { what: 'keep', wanted, present }
  const before = written(saidOf(present, home))
  const differences = differencesOf(before, written(saidOf(wanted, home)))
  return differences.length === 0
    ? { what: 'keep', wanted, present }
    : { what: 'update', wanted, present, differences }
}

function differencesOf(before: Written, after: Written): Difference[] {
  const both = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Written>
  return [...both]
    .filter((key) => !isDeepStrictEqual(before[key], after[key]))
    .map((key) => ({ key, before: before[key] ?? null, after: after[key] ?? null }))
}

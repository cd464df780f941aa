/** Names of things: branded so that a job number is not taken for a count, nor an owner for a node. */
import { Type, type TSchema } from 'typebox'

declare const brand: unique symbol
export type Branded<T, B extends string> = T & { readonly [brand]?: B }

export type JobId = Branded<number, 'JobId'>
/** A point in time in the daemons: milliseconds since 1970, UTC. On the HTTP API it is ISO 8601. */
export type Millis = Branded<number, 'Millis'>

/** `17.3`: task 3 of job 17. A plain job has the one task 1. */
export type TaskKey = Branded<string, 'TaskKey'>

export function taskKey(job: JobId, index: number): TaskKey {
  return `${job}.${index}`
}

export function parseTaskKey(key: TaskKey): { job: JobId; index: number } {
  const dot = key.indexOf('.')
  return { job: Number(key.slice(0, dot)), index: Number(key.slice(dot + 1)) }
}

/** What people type for a job: its number, its name, or a task of it (`17.3`). */
export type JobRef =
  | { kind: 'number'; job: JobId; index: number | null }
  | { kind: 'name'; name: string }

export function parseJobRef(text: string): JobRef {
  const match = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text)
  if (match === null) return { kind: 'name', name: text }
  return {
    kind: 'number',
    job: Number(match[1]),
    index: match[2] === undefined ? null : Number(match[2]),
  }
}

export const iso = (at: Millis): string => new Date(at).toISOString()
export const isoOrNull = (at: Millis | null): string | null => (at === null ? null : iso(at))

export const Name = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[A-Za-z_][A-Za-z0-9_.@+-]*$',
  description: 'starts with a letter or underscore; letters, digits and _ . @ + -',
})
const nodeName = {
  minLength: 1,
  maxLength: 63,
  pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$',
  description: 'has letters, digits, dots and dashes, and begins and ends with a letter or digit',
}
export const NodeNameSchema = Type.String(nodeName)
/** Null for a good name of a node, else what it must be. */
export const problemOfNodeName = (text: string): string | null =>
  new RegExp(nodeName.pattern).test(text) && text.length <= nodeName.maxLength
    ? null
    : `"${text}" is no name of a node: it ${nodeName.description}`
export const Instant = Type.String({ format: 'date-time', examples: ['2026-11-23T08:00:00.000Z'] })
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

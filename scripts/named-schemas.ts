/** Schemas that have a name of their own in proto stand once in the API description, and are referred to. */
import * as events from '../proto/api-grid.ts'
import * as jobs from '../proto/api-jobs.ts'
import * as cause from '../proto/cause.ts'
import * as errors from '../proto/errors.ts'
import * as job from '../proto/job.ts'
import * as node from '../proto/node.ts'
import * as rights from '../proto/rights.ts'
import * as schedule from '../proto/schedule.ts'
import * as sharing from '../proto/sharing.ts'
import * as sync from '../proto/sync.ts'
import * as token from '../proto/token.ts'
import { closed, flat, type JsonSchema } from '../scheduler/http/schema.ts'

const rooms = {
  ...cause,
  ...jobs,
  ...errors,
  ...events,
  ...job,
  ...node,
  ...rights,
  ...schedule,
  ...sharing,
  ...sync,
  ...token,
}
/** What is said in fewer characters needs no name. */
const shortest = 150

const isObject = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null

/** By its text; as a reply, and under `…Request` as the stricter form of a body. */
const names = new Map<string, string>()
for (const [name, schema] of Object.entries<unknown>(rooms)) {
  if (!isObject(schema) || !('type' in schema || 'allOf' in schema || 'anyOf' in schema)) continue
  const reply = JSON.stringify(flat(schema))
  const body = JSON.stringify(closed(schema))
  if (body.length < shortest) continue
  names.set(body, name.endsWith('Request') ? name : `${name}Request`)
  names.set(reply, name)
}

/** The document with named schemas moved to its components. */
export function withNames(
  document: JsonSchema & { components: { schemas: JsonSchema } },
): JsonSchema {
  const found: JsonSchema = {}
  const visit = (value: unknown, isTop = false): unknown => {
    if (Array.isArray(value)) return value.map((one) => visit(one))
    if (!isObject(value)) return value
    const name = isTop ? undefined : names.get(JSON.stringify(value))
    if (name !== undefined) {
      if (!(name in found)) {
        found[name] = {}
        found[name] = visit(value, true)
      }
      return { $ref: `#/components/schemas/${name}` }
    }
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, visit(field)]))
  }
  const { components, ...rest } = document
  const visited = visit(rest) as JsonSchema
  const sorted = Object.entries({ ...components.schemas, ...found }).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )
  return { ...visited, components: { ...components, schemas: Object.fromEntries(sorted) } }
}

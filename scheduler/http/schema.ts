/** The route table's schemas, made strict: what a person sends and nobody reads is refused, by its name. */
import { Compile } from 'typebox/compile'

import { sentence } from './schema-words.ts'

export type JsonSchema = Record<string, unknown>

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** One object instead of an intersection of several: only so can it be closed. */
export function flat(schema: JsonSchema): JsonSchema {
  if (!Array.isArray(schema['allOf'])) return schema
  const parts = schema['allOf'].filter(isSchema).map(flat)
  const required = parts.flatMap((part) => (part['required'] as string[] | undefined) ?? [])
  return {
    type: 'object',
    ...(required.length > 0 && { required }),
    properties: Object.assign({}, ...parts.map((part) => part['properties'])) as JsonSchema,
  }
}

/** The same, all the way down, with every object closed to other fields. */
export function closed(given: JsonSchema): JsonSchema {
  const schema = { ...flat(given) }
  for (const part of ['properties', 'patternProperties'] as const) {
    if (!isSchema(schema[part])) continue
    const fields = Object.entries(schema[part])
    schema[part] = Object.fromEntries(
      fields.map(([name, field]) => [name, isSchema(field) ? closed(field) : field]),
    )
    schema['additionalProperties'] = false
  }
  if (isSchema(schema['items'])) schema['items'] = closed(schema['items'])
  for (const part of ['anyOf', 'items'] as const) {
    const list = schema[part]
    if (Array.isArray(list)) schema[part] = list.map((one) => (isSchema(one) ? closed(one) : one))
  }
  return schema
}

/** Null when the value is well formed, else a sentence that names what is not. */
export type Checker = (value: unknown) => string | null

export function checker(schema: JsonSchema, what: string): Checker {
  const compiled = Compile(schema)
  return (value) => (compiled.Check(value) ? null : sentence(compiled.Errors(value), schema, what))
}

/** Query values come as text: numbers and booleans of the schema are read from it, wrong text stays to be refused. */
export function queryReader(schema: JsonSchema): (query: JsonSchema) => JsonSchema {
  const fields = Object.entries((flat(schema)['properties'] as JsonSchema | undefined) ?? {})
  const kinds = new Map(fields.map(([name, field]) => [name, isSchema(field) && field['type']]))
  return (query) => {
    const read: JsonSchema = {}
    for (const [name, text] of Object.entries(query)) read[name] = readValue(kinds.get(name), text)
    return read
  }
}

function readValue(kind: unknown, text: unknown): unknown {
  if (typeof text !== 'string') return text
  if (kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (kind === 'integer' || kind === 'number') {
    return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
  }
  return text
}

/** JSON can say half of a surrogate pair (`"\ud800"`), and no UTF-8 can: a sentence about the first that is in there. */
export function halfPair(value: unknown, name = ''): string | null {
  if (typeof value === 'string')
    return value.isWellFormed() ? null : `${name} has half of a surrogate pair in it`
  if (typeof value !== 'object' || value === null) return null
  for (const [key, part] of Object.entries(value)) {
    if (!key.isWellFormed()) return halfPair(key, `a name in ${name || 'the body'}`)
    const found = halfPair(part, name === '' ? key : `${name}.${key}`)
    if (found !== null) return found
  }
  return null
}

/** What a schema finds wrong with a value, in words that say what to write instead. */
import type { Compile } from 'typebox/compile'

import { formatDuration, formatSize } from '../../proto/resources.ts'

type SchemaError = ReturnType<ReturnType<typeof Compile>['Errors']>[number]
const mostNamed = 5

/** `schema`: where a pattern's description is looked up; `what`: the name of the whole value. */
export function sentence(all: SchemaError[], schema: object, what: string): string {
  const errors = withoutOtherBranches(all)
  const unknown = errors.flatMap((error) =>
    error.keyword === 'additionalProperties'
      ? error.params.additionalProperties.map((name) => nameOf(`${error.instancePath}/${name}`))
      : [],
  )
  if (unknown.length > 0) {
    return `${what} has no field ${unknown.slice(0, mostNamed).join(', ')}`
  }
  const plain = errors.filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'boolean')
  // That it might have been null helps nobody.
  const helpful = plain.filter(({ message }) => message !== 'must be null')
  const said = new Map<string, string>()
  for (const error of helpful.length > 0 ? helpful : plain) {
    const name = nameOf(error.instancePath) || what
    // What an empty text lacks beside its length is clear by its length.
    if (!said.has(name)) said.set(name, `${name} ${message(error, name, schema)}`)
  }
  return [...said.values()].slice(0, mostNamed).join('; ')
}

/** A union's branches are told apart by a constant, such as `kind`: what a branch of another kind misses is no news. */
function withoutOtherBranches(errors: SchemaError[]): SchemaError[] {
  const others = errors.flatMap(({ keyword, schemaPath }) =>
    keyword === 'const' ? [schemaPath.slice(0, schemaPath.lastIndexOf('/properties/'))] : [],
  )
  const left = errors.filter(
    ({ schemaPath }) =>
      !others.some((branch) => schemaPath === branch || schemaPath.startsWith(`${branch}/`)),
  )
  const isTold = left.some(
    ({ keyword, message: text }) => keyword !== 'anyOf' && text !== 'must be null',
  )
  return isTold ? left : errors.filter(({ keyword }) => keyword === 'const')
}

/** `/stop/graceMs` to `stop.graceMs`. */
const nameOf = (path: string) => path.slice(1).replaceAll('/', '.')

function message(error: SchemaError, name: string, schema: object): string {
  if (error.keyword === 'enum') return `must be one of ${error.params.allowedValues.join(', ')}`
  if (error.keyword === 'required') return `lacks ${error.params.requiredProperties.join(', ')}`
  if (error.keyword === 'minLength' && error.params.limit === 1) return 'must not be empty'
  if (error.keyword === 'minimum' || error.keyword === 'maximum') {
    const limit = Number(error.params.limit)
    if (name.endsWith('Ms')) return `${error.message} (${formatDuration(limit)})`
    return name.endsWith('Bytes') ? `${error.message} (${formatSize(limit)})` : error.message
  }
  if (error.keyword === 'pattern') {
    const described = descriptionAt(schema, error.schemaPath)
    if (described !== null) return `is not well formed: it ${described}`
    return String(error.params.pattern).includes('u0000') ? 'has a NUL in it' : error.message
  }
  return error.message
}

/** The description beside what failed, of schemas that have one in words for people. */
function descriptionAt(schema: object, path: string): string | null {
  let at: unknown = schema
  for (const part of path.slice(2).split('/')) {
    at = (at as Record<string, unknown> | null | undefined)?.[part]
  }
  const { description } = (at ?? {}) as { description?: unknown }
  return typeof description === 'string' ? description : null
}

/** The API description, made from the route table: what the server checks is what it says. */
import { routes } from '../proto/api.ts'
import { errorList, Problem, type ErrorCode } from '../proto/errors.ts'
import type { Route } from '../proto/route.ts'
import { closed, flat, type JsonSchema } from '../scheduler/http/schema.ts'
import { withNames } from './named-schemas.ts'

const mediaTypes = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  sse: 'text/event-stream',
  text: 'text/plain',
}

export function openApiDocument(): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {}
  for (const [name, route] of Object.entries<Route>(routes)) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route) }
  }
  const bearer = { type: 'http', scheme: 'bearer' }
  return withNames(
    plain({
      openapi: '3.1.0',
      info: {
        title: 'Evergrid',
        version: 'v1',
        description:
          'Changes take an Idempotency-Key header (at most 255 characters): sent again under its key, a ' +
          'request gets the first reply. Lists are keyset-paged: pass `next` back as `page`.',
      },
      servers: [{ url: 'http://127.0.0.1:6444' }],
      paths,
      components: {
        schemas: { Problem },
        securitySchemes: {
          person: {
            ...bearer,
            description: 'the secret of a private grid, or a token from a login',
          },
          node: { ...bearer, description: 'the node secret' },
        },
      },
    }),
  )
}

function operation(name: string, route: Route): JsonSchema {
  const security = route.access === 'open' ? [] : [{ [securityOf(route)]: [] }]
  const isRight = route.access === 'operator' || route.access === 'manager'
  return {
    operationId: name,
    summary: route.summary,
    ...(isRight && { description: `For ${route.access}s.` }),
    security,
    parameters: [
      ...fieldsOf(route.params).map(([field, schema]) => parameter('path', field, schema, true)),
      ...fieldsOf(route.query).map(([field, schema, must]) =>
        parameter('query', field, schema, must),
      ),
      ...(route.method === 'GET' || takesNoKey.has(route.access) ? [] : [idempotencyKey]),
    ],
    ...(fieldsOf(route.body).length > 0 && {
      requestBody: { required: true, content: { 'application/json': { schema: body(route) } } },
    }),
    responses: { '200': okay(route), ...problems(route.errors) },
  }
}

const securityOf = ({ access }: Route) => (access === 'node' ? 'node' : 'person')
const takesNoKey: ReadonlySet<Route['access']> = new Set(['open', 'node'])
const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', maxLength: 255 },
}

const body = (route: Route) => {
  const schema = route.body as JsonSchema
  return route.access === 'node' ? flat(schema) : closed(schema)
}

function fieldsOf(schema: Route['query']): [string, JsonSchema, boolean][] {
  const { properties = {}, required = [] } = flat(schema as JsonSchema) as {
    properties?: Record<string, JsonSchema>
    required?: string[]
  }
  return Object.entries(properties).map(([name, field]) => [name, field, required.includes(name)])
}

const parameter = (place: string, name: string, schema: JsonSchema, required: boolean) => ({
  name,
  in: place,
  required,
  schema,
})

const okay = (route: Route) => ({
  description: route.summary,
  content: { [mediaTypes[route.shape ?? 'json']]: { schema: flat(route.reply as JsonSchema) } },
})

/** Codes that share a status share its entry. */
function problems(codes: readonly ErrorCode[]): JsonSchema {
  const found: Record<string, { description: string; content: JsonSchema }> = {}
  const content = {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  }
  for (const code of codes) {
    const { status, title } = errorList[code]
    const before = found[status]?.description
    const said = `\`${code}\`: ${title}`
    found[status] = {
      description: before === undefined ? said : `${before}; ${said}`,
      content,
    }
  }
  return found
}

/** Without what schemas carry for our own use. */
const plain = <T>(document: T) => JSON.parse(JSON.stringify(document)) as T

import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { routes } from '../../proto/api.ts'
import { openApiDocument, openApiText } from '../../scripts/docs.ts'

test('docs/openapi.json says what the route table says: npm run docs', () => {
  expect(readFileSync('docs/openapi.json', 'utf8')).toBe(openApiText())
})

test('every route is in it once', () => {
  const { paths } = openApiDocument() as {
    paths: Record<string, Record<string, { operationId: string }>>
  }
  const names = Object.values(paths).flatMap((path) =>
    Object.values(path).map((one) => one.operationId),
  )
  expect(names.toSorted()).toEqual(Object.keys(routes).toSorted())
})

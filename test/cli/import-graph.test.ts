/** The commands start quickly because of what they do not load: of packages nothing at all. */
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Packages that a file loads, itself and by its imports, also those it awaits; types cost nothing. */
function packagesOf(entry: string, follow: (path: string) => boolean = () => true): string[] {
  const seen = new Set<string>()
  const packages = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path) || !follow(path)) return
    seen.add(path)
    const text = readFileSync(join(root, path), 'utf8').replaceAll(
      /^(?:import|export) type [^]*?from '[^']+'/gm,
      '',
    )
    for (const [, name = ''] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)) {
      if (name.startsWith('.')) visit(posix.join(posix.dirname(path), name))
      else if (!name.startsWith('node:')) packages.add(`${name} in ${path}`)
    }
  }
  visit(entry)
  return [...packages]
}

test('no command that is called by its own name loads a package', () => {
  expect(packagesOf('src/cli/main.ts', (path) => path !== 'src/cli/commands.ts')).toEqual([])
})

test('the walk sees what is there', () => {
  expect(packagesOf('scheduler/http/server.ts').join()).toContain('fastify')
})

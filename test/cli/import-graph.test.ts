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

/** Of Node itself what is loaded in any case: by imports that are not awaited. */
function builtinsOf(entries: readonly string[]): Set<string> {
  const seen = new Set<string>()
  const builtins = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    const text = readFileSync(join(root, path), 'utf8')
    for (const [, name = ''] of text.matchAll(
      /^(?:import|export) (?!type )[^]*?from '([^']+)'/gm,
    )) {
      if (name.startsWith('node:')) builtins.add(name.slice('node:'.length))
      else if (name.startsWith('.')) visit(posix.join(posix.dirname(path), name))
    }
  }
  entries.forEach(visit)
  return builtins
}

/** Each of them takes as long to load as a tenth of a start of Node, for what most calls do not do. */
const slow = ['child_process', 'crypto', 'fs/promises', 'readline/promises']
const always = ['src/cli/main.ts', 'src/cli/run-program.ts', 'src/client/client.ts']

test.each(['qsub', 'qstat', 'qdel', 'qhost', 'qacct', 'qconf'])(
  '%s loads nothing of Node that takes long and is not needed',
  (name) => {
    const builtins = builtinsOf([...always, `src/cli/grid-engine/${name}.ts`])
    expect(builtins).toContain('http')
    expect(slow.filter((each) => builtins.has(each))).toEqual([])
  },
)

test('the walk sees what is there', () => {
  expect(packagesOf('scheduler/http/server.ts').join()).toContain('fastify')
})

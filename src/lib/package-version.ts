/** The version of this package, from the package.json above us: source and build lie at different depths. */
import { readFileSync } from 'node:fs'

export function packageVersion(): string {
  for (const up of ['../../', '../../../']) {
    try {
      const text = readFileSync(new URL(`${up}package.json`, import.meta.url), 'utf8')
      const found = JSON.parse(text) as { name?: string; version?: string }
      if (found.name === 'evergrid' && found.version !== undefined) return found.version
    } catch {
      // Not there: one further up.
    }
  }
  return 'unknown'
}

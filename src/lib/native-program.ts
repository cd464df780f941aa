/** Finds the compiled native programs, both from the sources and from dist. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type NativeProgram = 'shepherd' | 'logger' | 'owner' | 'fence' | 'home-proof'

const folder = findFolder(dirname(fileURLToPath(import.meta.url)))

/** Nothing of the agent's own environment reaches a program that may still be root. */
export const fixedEnv = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C',
}

export function nativeProgram(name: NativeProgram): string {
  if (folder === null)
    throw new Error('build/native is missing: run `npm ci` or node scripts/build-native.mjs')
  return join(folder, name)
}

function findFolder(from: string): string | null {
  const candidate = join(from, 'build', 'native')
  if (existsSync(join(candidate, 'shepherd'))) return candidate
  return dirname(from) === from ? null : findFolder(dirname(from))
}

/** Holds the rules of the house: who may import whom, pure cores, short files, plain names, nothing left over. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Room -> what it may import beside its own files. A file belongs to the room with the longest name
 * that fits; an entry ending in `.ts` allows that file alone.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  'scheduler/core': ['proto'],
  'scheduler/state': ['proto', 'scheduler/core'],
  'scheduler/store': ['proto', 'scheduler/core', 'src/lib/folder.ts'],
  'scheduler/brain': [
    'proto',
    'src/lib',
    'scheduler/core',
    'scheduler/state',
    'scheduler/store/change.ts',
    'scheduler/store/store.ts',
  ],
  'scheduler/http': [
    'proto',
    'src/lib',
    'scheduler/brain/call.ts',
    'scheduler/brain/door.ts',
    'scheduler/core/identity',
  ],
  'scheduler/tls': ['src/lib'],
  scheduler: ['proto', 'src/lib'],
  'exec-node/core': ['proto'],
  'exec-node/process': ['proto', 'src/lib', 'exec-node/core/run.ts'],
  'exec-node/health': ['proto', 'src/lib', 'exec-node/core', 'exec-node/ports.ts'],
  'exec-node': [
    'proto',
    'src/lib',
    'src/client/prove-scheduler.ts',
    'src/client/secrets.ts',
    'src/client/secure-connection.ts',
    'src/client/trusted.ts',
  ],
  'src/lib': [],
  'src/client': ['proto', 'src/lib'],
  'src/cli': ['proto', 'src/lib', 'src/client'],
}

/** Package -> the only rooms that know it. */
const knownOnlyTo: Readonly<Record<string, readonly string[]>> = {
  'better-sqlite3': ['scheduler/store'],
  fastify: ['scheduler/http'],
  'prom-client': ['scheduler/http'],
  'cron-parser': ['scheduler/core'],
  'node-forge': ['scheduler/tls'],
  pidusage: ['exec-node/process'],
  pino: ['src/lib'],
  typebox: ['proto', 'scheduler/http', 'src/client'],
  yaml: ['src/cli/tool-labs'],
}

/** A core is given the time and random numbers, and does no I/O. */
const bannedInCores: readonly [RegExp, string][] = [
  [/from 'node:|import\('node:/, 'a node: module'],
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\./, 'a clock: take `now` as an argument'],
  [/\bMath\.random\b|\bcrypto\./, 'chance: take the random number as an argument'],
  [/\bset(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/, 'a timer'],
  [/\basync\b|\bawait\b|\bPromise\b/, 'asynchronous code'],
  [/\bprocess\.(env|pid|argv|hrtime|nextTick|exit|getuid)\b|\bfetch\(/, 'the world outside'],
]
const cores = ['proto', 'scheduler/core', 'exec-node/core']

const longestFile = 300
const noSaying = /^(utils?|helpers?|common|types?|managers?|services?|misc)$/
const leftOver =
  /\b(?:TODO|FIXME|XXX|HACK)\b|\b(?:it|test|describe)(?:\.\w+)*\.(?:only|skip|todo)\b/

type Source = { path: string; text: string; code: string; lines: number }

const houses = ['proto', 'scheduler', 'exec-node', 'src', 'scripts']
const product = houses.flatMap(sourcesIn)
const tests = sourcesIn('test')

function sourcesIn(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs|c|h)$/.test(name))
    .map((name) => {
      const path = posix.join(folder, name)
      const text = readFileSync(join(root, path), 'utf8')
      const code = text
        .replaceAll(/\/\*[^]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
        .replaceAll(/(^|\s)\/\/.*/g, '$1')
      return { path, text, code, lines: text.split('\n').length - 1 }
    })
}

const within = (path: string, place: string) => path === place || path.startsWith(`${place}/`)

function roomOf(path: string): string | undefined {
  return Object.keys(mayImport)
    .filter((room) => within(path, room))
    .toSorted((a, b) => b.length - a.length)[0]
}

function importsOf(source: Source): string[] {
  const found = source.code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)
  return [...found].flatMap((match) => match[1] ?? [])
}

function importFault(source: Source, room: string, name: string): string | null {
  if (!name.startsWith('.')) {
    const pack = Object.keys(knownOnlyTo).find((known) => within(name, known))
    const rooms = pack === undefined ? undefined : knownOnlyTo[pack]
    return rooms && !rooms.some((known) => within(source.path, known))
      ? `${source.path} imports ${name}, which only ${rooms.join(', ')} may know`
      : null
  }
  const to = posix.join(dirname(source.path), name)
  if (basename(to, '.ts') === 'main') return `${source.path} imports the main ${to}`
  const allowed = [room, ...(mayImport[room] ?? [])]
  return allowed.some((place) => within(to, place)) ? null : `${source.path} imports ${to}`
}

/** Lines of the sources that a pattern fits, as `path:line: why`. */
function linesWith(sources: readonly Source[], pattern: RegExp, why: string): string[] {
  return sources.flatMap(({ path, code }) =>
    code
      .split('\n')
      .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${why}`] : [])),
  )
}

test('each room imports only what the table allows', () => {
  const faults = product
    .filter(({ path }) => path.endsWith('.ts') && !path.startsWith('scripts/'))
    .flatMap((source) => {
      const room = roomOf(source.path)
      if (room === undefined) return [`${source.path} stands in a room without a row in the table`]
      return importsOf(source).flatMap((name) => importFault(source, room, name) ?? [])
    })
  expect(faults).toEqual([])
})

test('the cores know no clock, no chance and no I/O', () => {
  const pure = product.filter(({ path }) => cores.some((core) => within(path, core)))
  const faults = bannedInCores.flatMap(([pattern, why]) => linesWith(pure, pattern, why))
  expect(faults).toEqual([])
})

test(`no file is longer than ${longestFile} lines`, () => {
  const faults = product
    .filter(({ lines }) => lines > longestFile)
    .map(({ path, lines }) => `${path}: ${lines} lines`)
  const sizes = product.map(({ lines }) => lines).toSorted((a, b) => a - b)
  const share = (part: number) => sizes[Math.floor(sizes.length * part)]
  const tested = tests.reduce((sum, { lines }) => sum + lines, 0)
  const all = sizes.reduce((sum, lines) => sum + lines, 0)
  process.stdout.write(
    `sizes: ${sizes.length} files, median ${share(0.5)} lines (aim 80), p90 ${share(0.9)} (aim 200), ` +
      `longest ${sizes.at(-1)}; test lines ${(tested / all).toFixed(1)} x source\n`,
  )
  expect(faults).toEqual([])
})

test('each file begins with a sentence that says what it is for', () => {
  const faults = product.filter(({ text }) => !/^(\/\*|\/\/|#!)/.test(text)).map(({ path }) => path)
  expect(faults).toEqual([])
})

test('file names say what is in them', () => {
  const faults = [...product, ...tests]
    .map(({ path }) => path)
    .filter((path) => noSaying.test(basename(path).replace(/(\.test)?\.\w+$/, '')))
  expect(faults).toEqual([])
})

test('nothing is left over: no notes to self, no test that is passed over', () => {
  const others = [...product, ...tests].filter(({ path }) => path !== 'test/tidy.test.ts')
  const faults = others.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, at) => (leftOver.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
  )
  expect(faults).toEqual([])
})

/** A jobs file as YAML: read with every problem and its line, written with one job after the other. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, stringify, type YAMLMap } from 'yaml'

import { nearest } from '../../options.ts'
import { keys, type Key, type Said, type Written } from './keys.ts'
import type { Type } from './values.ts'
import { notesOf, problemsOf, wantedOf, type Wanted } from './wanted.ts'

export type JobsFile =
  | { ok: true; wanted: Wanted[]; notes: string[] }
  | { ok: false; problems: string[] }

/** `home` is where paths begin. Each problem begins with its line, as in "line 3: …". */
export function readJobsFile(text: string, home: string): JobsFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const lineOf = (at: number | undefined): string => `line ${lines.linePos(at ?? 0).line}`
  const faults = document.errors.map(({ pos, message }) => `${lineOf(pos[0])}: ${message}`)
  if (faults.length > 0) return { ok: false, problems: faults }
  const { contents } = document
  if (contents === null) return { ok: true, wanted: [], notes: [] }
  if (!isSeq(contents)) {
    return {
      ok: false,
      problems: [`${lineOf(0)}: write a list of jobs, each beginning with "- name: …"`],
    }
  }
  const read = contents.items.map((item) =>
    isMap(item)
      ? readJob(item, lineOf)
      : {
          said: {},
          problems: [
            `${lineOf(isScalar(item) ? item.range?.[0] : 0)}: this is not a job; begin with "- name: …"`,
          ],
        },
  )
  const names = read.map(({ said }) => said.name)
  const twice = names.filter((name, at) => name !== undefined && names.indexOf(name) < at)
  const problems = [
    ...read.flatMap((one) => one.problems),
    ...twice.map((name) => `the name "${name}" is there twice`),
  ]
  if (problems.length > 0) return { ok: false, problems }
  const notes: Record<string, string> = Object.assign({}, ...read.map(({ said }) => notesOf(said)))
  return {
    ok: true,
    wanted: read.map(({ said }) => wantedOf(said, home)),
    notes: Object.entries(notes).map(([key, note]) => `${key}: ${note}`),
  }
}

type LineOf = (at: number | undefined) => string

function readJob(map: YAMLMap, lineOf: LineOf): { said: Said; problems: string[] } {
  const said: Record<string, unknown> = {}
  const problems: string[] = []
  const places: Record<string, string> = {}
  const plain = map.toJSON() as Record<string, unknown>
  const name = typeof plain['name'] === 'string' ? `job ${plain['name']}: ` : ''
  for (const pair of map.items) {
    const key = String(isScalar(pair.key) ? pair.key.value : pair.key)
    const place = lineOf(isScalar(pair.key) ? pair.key.range?.[0] : map.range?.[0])
    places[key] = place
    if (!Object.hasOwn(keys, key)) {
      const near = nearest(key, Object.keys(keys))
      const meant = near === null ? '' : `; did you mean "${near}"?`
      problems.push(`${place}: ${name}there is no key "${key}"${meant}`)
      continue
    }
    const parsed = (keys[key as Key] as Type<unknown>).read(plain[key])
    if (parsed.ok) said[key] = parsed.value
    else problems.push(`${place}: ${name}${key}: ${parsed.problem}`)
  }
  for (const { key, problem } of problemsOf(said)) {
    const isMisread = Object.hasOwn(plain, key) && !Object.hasOwn(said, key)
    const place = places[key] ?? lineOf(map.range?.[0])
    if (!isMisread) problems.push(`${place}: ${name}"${key}" ${problem}`)
  }
  return { said, problems }
}

/** Long commands stay on their line, so that the file can be searched. */
export const jobsFileText = (jobs: readonly Written[]): string =>
  jobs.length === 0 ? '[]\n' : stringify(jobs, { lineWidth: 0 })

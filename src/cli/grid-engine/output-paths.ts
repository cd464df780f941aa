/** `-o`, `-e`, `-i` and `-j` as paths of a job request: pseudo variables, folders, and the usual names. */
import type { JobRequest } from '../../../proto/job.ts'
import { Failure } from './failure.ts'
import { lastSaid, type Said } from './option-table.ts'
import { pathFor } from './values.ts'

export type PathContext = {
  name: string
  isArray: boolean
  isMerged: boolean
  /** Of the job. */
  cwd: string
  home: string
  user: string
  isFolder: (path: string) => boolean
}

export function outputPaths(
  said: readonly Said[],
  context: PathContext,
): Pick<JobRequest, 'out' | 'err' | 'stdin'> {
  const out = filePath(lastSaid(said, '-o'), 'o', context)
  const err = filePath(lastSaid(said, '-e'), 'e', context)
  const stdin = inputPath(lastSaid(said, '-i'), context)
  const merged = out ?? usualName('o', context)
  const paths = context.isMerged ? { out: merged, err: merged } : { out, err }
  return Object.fromEntries(Object.entries({ ...paths, stdin }).filter(([, path]) => path !== null))
}

/** Null: not said, so that the usual name holds. */
function filePath(
  text: string | undefined,
  letter: 'o' | 'e',
  context: PathContext,
): string | null {
  if (text === undefined) return null
  const path = filled(pathFor(text), context)
  if (path === '') return null
  const plain = path.startsWith('/') ? path : `${context.cwd}/${path}`
  const isFolder = path.endsWith('/') || (!path.includes('${') && context.isFolder(plain))
  return isFolder ? `${path.replace(/\/+$/, '')}/${usualName(letter, context)}` : path
}

const usualName = (letter: 'o' | 'e', { name, isArray }: PathContext): string =>
  `${name}.${letter}\${JOB_ID}${isArray ? '.${TASK_ID}' : ''}`

/** What is known here is filled in; what only the node knows gets braces, as a name may follow without a break. */
function filled(path: string, { name, isArray, home, user }: PathContext): string {
  const known: Record<string, string> = {
    HOME: home,
    USER: user,
    JOB_NAME: name,
    JOB_ID: '${JOB_ID}',
    HOSTNAME: '${HOSTNAME}',
    TASK_ID: isArray ? '${TASK_ID}' : '0',
  }
  return path
    .replace(/^~(?=\/|$)/, home)
    .replaceAll(
      /\$(JOB_NAME|JOB_ID|HOSTNAME|TASK_ID|HOME|USER)/g,
      (_, word: string) => known[word] ?? '',
    )
}

function inputPath(text: string | undefined, context: PathContext): string | null {
  if (text === undefined) return null
  const path = filled(pathFor(text), context)
  if (!path.includes('${')) return path === '' ? null : path
  throw new Failure(
    `-i ${text}: job, task and host are not known when the input is named; open the file in the job itself`,
    1,
  )
}

/** One action on the jobs that were named, with an answer for each word in its turn. */
import type { ActionReply, Selection } from '../../../proto/api-jobs.ts'
import type { Client } from '../../client/client.ts'
import type { Action } from '../selection.ts'
import { refsOf, type JobWord } from './job-words.ts'
import { matches } from './values.ts'

export type Refused = ActionReply['refused'][number]

export async function acted(client: Client, action: Action, word: JobWord): Promise<ActionReply> {
  const body: Selection = word.kind === 'name' ? { name: word.name } : { jobs: refsOf(word) }
  return client.call(action, { body })
}

/** All of them, also after one that was refused; the status is that of the first that was. */
export async function inTurn<T>(
  all: Iterable<T>,
  act: (one: T) => Promise<number>,
): Promise<number> {
  let status = 0
  for (const one of all) {
    const exit = await act(one)
    status ||= exit
  }
  return status
}

/** Of what was named only what is of these users; without names all that they have. What is not theirs is missing. */
export async function ofUsers(
  client: Client,
  words: readonly JobWord[],
  users: readonly string[],
): Promise<{ words: JobWord[]; missing: string[] }> {
  const lists = await Promise.all(
    users.map((owner) =>
      client.call('listJobs', {
        query: { limit: 100_000, ...(owner === '*' ? { all: true } : { owner }) },
      }),
    ),
  )
  const jobs = lists.flatMap((list) => list.jobs)
  const whole = ({ id }: { id: number }): JobWord => ({ kind: 'job', id: String(id), tasks: null })
  if (words.length === 0) return { words: jobs.map(whole), missing: [] }
  const missing: string[] = []
  const meant = words.flatMap((word) => {
    const own = jobs.filter(({ id, name }) =>
      word.kind === 'job' ? String(id) === word.id : matches(word.name, name),
    )
    if (own.length === 0) missing.push(word.kind === 'job' ? word.id : word.name)
    return word.kind === 'job' && own.length > 0 ? [word] : own.map(whole)
  })
  return { words: meant, missing }
}

/** There is no such live job: it never was, or it has finished. */
export const isGone = ({ code, detail }: Refused): boolean =>
  code === 'not-found' || (code === 'wrong-state' && detail.includes('has finished'))

/** One action on the jobs that were named, with an answer for each word in its turn. */
import type { ActionReply, Selection } from '../../../proto/api-jobs.ts'
import type { Client } from '../../client/client.ts'
import type { Action } from '../selection.ts'
import { refsOf, type JobWord } from './job-words.ts'

export type Refused = ActionReply['refused'][number]

export async function acted(client: Client, action: Action, word: JobWord): Promise<ActionReply> {
  const body: Selection = word.kind === 'name' ? { name: word.name } : { jobs: refsOf(word) }
  return client.call(action, { body })
}

/** There is no such live job: it never was, or it has finished. */
export const isGone = ({ code, detail }: Refused): boolean =>
  code === 'not-found' || (code === 'wrong-state' && detail.includes('has finished'))

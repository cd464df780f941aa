/** Makes a text the caller's crontab: its entries become schedules, all of them or none. */
import { hostname, userInfo } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Crontab, CrontabReply } from '../../../../proto/api-crontab.ts'
import { ClientError } from '../../../client/client-error.ts'
import type { Client } from '../../../client/client.ts'
import type { Terminal } from '../../terminal.ts'
import type { Place } from './entry.ts'
import { planCrontab, type Planned } from './plan.ts'

export type Saved =
  | { ok: true; reply: CrontabReply; entries: Planned[]; notes: string[] }
  /** Lines as cron words them: `"FILE":3: …`. */
  | { ok: false; problems: string[] }

export function placeOf(terminal: Terminal): Place {
  const { username, homedir, shell } = userInfo()
  return {
    user: username,
    home: terminal.env['HOME'] ?? homedir,
    shell: shell ?? '/bin/sh',
    host: hostname(),
    now: terminal.now(),
    uid: process.getuid?.() ?? 0,
    tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
    bin: commandFolder(),
  }
}

/** dist/bin: beside it this file is compiled to dist/src, or in it stands the one executable that has all in it. */
function commandFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  const ours = /^(.*)\/src\/cli\/tool-labs\//.exec(here)?.[1]
  return ours === undefined ? dirname(process.execPath) : `${ours}/bin`
}

export async function saveCrontab(
  grid: Client,
  { text, from, before }: { text: string; from: string; before: Crontab },
  place: Place,
): Promise<Saved> {
  const plan = planCrontab(text, before, place)
  const worded = (number: number, problem: string) => `"${from}":${number}: ${problem}`
  if (!plan.ok) {
    return {
      ok: false,
      problems: plan.problems.map(({ number, problem }) => worded(number, problem)),
    }
  }
  const schedules = plan.entries.map(({ schedule }) => schedule)
  try {
    const reply = await grid.call('replaceCrontab', { body: { text, schedules } })
    const warnings = plan.entries.flatMap(({ number, schedule }) =>
      (reply.warnings ?? [])
        .filter((warning) => warning.schedule === schedule.name)
        .map(({ detail }) => worded(number, detail)),
    )
    return { ok: true, reply, entries: plan.entries, notes: [...plan.notes, ...warnings] }
  } catch (error) {
    const refused = error instanceof ClientError ? aboutLine(error, plan.entries) : null
    if (refused === null) throw error
    return { ok: false, problems: [worded(refused.number, refused.problem)] }
  }
}

/** The scheduler names the schedule that it refuses; people know lines. */
function aboutLine({ detail }: ClientError, entries: readonly Planned[]) {
  const found = entries.find(({ schedule }) => detail.startsWith(`${schedule.name}: `))
  return found
    ? { number: found.number, problem: detail.slice(found.schedule.name.length + 2) }
    : null
}

/** `~/.bigbrotherrc`: the jobs that Tool Labs' watchdog kept running, which here are continuous jobs. */
import { filledJob, jobDefaults } from '../../../proto/job-defaults.ts'
import { simpleCommand } from './crontab/simple-command.ts'
import type { Wanted } from './jobs-file/wanted.ts'
import { understandJsub, type Surroundings } from './jsub/understand.ts'

export type Watched =
  | { ok: true; wanted: Wanted[]; notes: string[] }
  /** As the watchdog worded them: `FILE:3: command not supported`. */
  | { ok: false; problems: string[] }

/** Lines are `jstart -N NAME [options] program [arguments]`. */
export function readBigbrotherrc(
  text: string,
  from: string,
  place: Omit<Surroundings, 'env' | 'cwd'>,
): Watched {
  const wanted: Wanted[] = []
  const notes: string[] = []
  const problems: string[] = []
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: place.home }
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    const where = `${from}:${at + 1}`
    if (line === '' || line.startsWith('#')) continue
    if (/^webservice2?\b/.test(line)) {
      notes.push(`${where}: web services are not watched here; the line is passed over`)
      continue
    }
    const words = simpleCommand(line, { home: place.home, variables: {} })?.words ?? []
    if (words[0]?.replace(/^.*\//, '') !== 'jstart') {
      problems.push(`${where}: command not supported`)
      continue
    }
    const found = understandJsub('jstart', words.slice(1), { ...place, env, cwd: place.home })
    if (!found.ok) {
      problems.push(`${where}: jstart: ${found.problem}`)
      continue
    }
    const { once: _, ...request } = found.job.request
    const { name } = request
    if (wanted.some((each) => each.name === name))
      problems.push(`${where}: the name "${name}" is there twice`)
    notes.push(...found.job.notes.map((note) => `${where}: ${note}`))
    wanted.push({ kind: 'continuous', name, job: filledJob(request, jobDefaults) })
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, wanted, notes }
}

/** A whole job request from a command line and from where it was typed: directory, umask, basic environment. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import type { JobRequest } from '../../proto/job.ts'
import { UsageError } from './command.ts'
import { garbled } from './garbled.ts'
import { jobFields, type jobOptions, type Surroundings } from './job-options.ts'
import type { Values } from './options.ts'
import { saidSecrets } from './secret-env.ts'

/** What a program needs to find its own; anything else is passed on by `--env` only. */
const basics = ['PATH', 'LANG', 'TZ']
/** What the node knows of any account, and somebody else's job takes from there. */
const ofAccount = ['HOME', 'USER', 'LOGNAME', 'SHELL']

export function jobRequest(
  said: Values<typeof jobOptions>,
  command: readonly string[],
  around: Surroundings,
  isOwn = true,
): JobRequest {
  const env = { ...basicEnvironment(around.env, isOwn), ...saidEnvironment(said.env, around.env) }
  const name = Object.keys(env).find((key) => garbled([env[key] ?? ''], 'environ') !== null)
  if (name !== undefined) {
    throw new UsageError(`${name} of the environment is not UTF-8: say --env ${name}=VALUE`)
  }
  return {
    ...jobFields(said, around),
    command: [...command],
    cwd: resolve(around.cwd, said.cwd ?? '.'),
    umask: ownUmask(),
    env,
    ...saidSecrets(said['secret-env'], around.cwd),
  }
}

/** Read, where process.umask() would set it for a moment. */
function ownUmask(): number {
  const text = readFileSync('/proc/self/status', 'latin1')
  return Number.parseInt(/^Umask:\s*([0-7]+)$/m.exec(text)?.[1] ?? '22', 8)
}

export function basicEnvironment(env: Surroundings['env'], isOwn = true): Record<string, string> {
  const names = isOwn ? [...basics, ...ofAccount] : basics
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && (names.includes(entry[0]) || entry[0].startsWith('LC_')),
    ),
  )
}

export function saidEnvironment(
  words: readonly string[],
  env: Surroundings['env'],
): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=')
      if (at > 0) return [word.slice(0, at), word.slice(at + 1)]
      const value = at < 0 ? env[word] : undefined
      if (value === undefined) {
        throw new UsageError(
          at < 0
            ? `--env: ${word} is not set here; write ${word}=VALUE`
            : `--env: "${word}" is not NAME=VALUE`,
        )
      }
      return [word, value]
    }),
  )
}

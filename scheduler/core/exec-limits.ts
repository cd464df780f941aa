/** What Linux takes of a command: a job that says more would be placed, and fail at each start (execve(2), path_resolution(7)). */
import type { Refusal } from '../../proto/errors.ts'
import type { JobSpec } from '../../proto/job.ts'

/** MAX_ARG_STRLEN, 32 pages of 4 KiB, without the NUL at the end; in bytes. */
const longestString = 131_071
/** PATH_MAX without the NUL at the end; in bytes. */
const longestPath = 4095
/** A UTF-16 unit has no more in UTF-8. */
const bytesOfUnit = 3
/** What src/lib/seal.ts puts around a secret. */
const sealBytes = 28

type Strings = Pick<
  JobSpec,
  'command' | 'env' | 'secretEnv' | 'cwd' | 'stdin' | 'out' | 'err' | 'check'
>

/** The schema counts characters; the kernel counts bytes. */
export function problemOfLengths(spec: Strings): Refusal | null {
  for (const [nth, word] of spec.command.entries())
    if (isOver(word, longestString)) return tooLong(`argument ${nth} of the command`, longestString)
  for (const name in spec.env)
    if (isOver(`${name}=${spec.env[name] ?? ''}`, longestString)) return tooLong(ofVariable(name))
  for (const name in spec.secretEnv) {
    const sealed = Buffer.byteLength(spec.secretEnv[name] ?? '', 'base64')
    if (Buffer.byteLength(`${name}=`) + sealed - sealBytes > longestString)
      return tooLong(ofVariable(name))
  }
  if (spec.check?.probe.kind === 'command')
    for (const [nth, word] of spec.check.probe.argv.entries())
      if (isOver(word, longestString)) return tooLong(`argument ${nth} of the check`, longestString)
  for (const [name, path] of Object.entries(pathsOf(spec)))
    if (path !== null && isOver(path, longestPath))
      return tooLong(`the path of ${name}`, longestPath)
  return null
}

const ofVariable = (name: string) => `the variable ${name.slice(0, 80)}, with its name,`
const pathsOf = ({ cwd, stdin, out, err }: Strings) => ({ cwd, stdin, out, err })

const isOver = (text: string, most: number): boolean =>
  text.length * bytesOfUnit > most && Buffer.byteLength(text) > most

const tooLong = (what: string, most = longestString): Refusal => ({
  code: 'refused',
  detail: `${what} has over ${most} bytes, the most that Linux takes`,
  hint: most === longestPath ? 'use a shorter path' : 'put the data into a file',
})

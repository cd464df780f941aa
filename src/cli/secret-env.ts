/** Values of `--secret-env`: from files or standard input, so that no command line and no shell history has them. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import type { SecretEnv } from '../../proto/job.ts'
import { UsageError } from './command.ts'

/** `NAME=FILE`, or `NAME` from standard input; one line end at the end is no part of the value. `present`: what stays. */
export function saidSecrets(
  words: readonly string[],
  cwd: string,
  present: SecretEnv = {},
): { secretEnv?: SecretEnv } {
  if (words.length === 0) return {}
  const fromInput = words.filter((word) => !word.includes('='))
  if (fromInput.length > 1) {
    throw new UsageError(
      `--secret-env: only one value can come from standard input, not ${fromInput.join(' and ')}; write NAME=FILE`,
    )
  }
  return { secretEnv: { ...present, ...Object.fromEntries(words.map((word) => said(word, cwd))) } }
}

function said(word: string, cwd: string): [string, string] {
  const at = word.indexOf('=')
  if (at === 0) throw new UsageError(`--secret-env: "${word}" is not NAME or NAME=FILE`)
  const name = at < 0 ? word : word.slice(0, at)
  const file = at < 0 ? null : resolve(cwd, word.slice(at + 1))
  return [name, textOf(name, read(name, file))]
}

function read(name: string, file: string | null): Buffer {
  try {
    return readFileSync(file ?? 0)
  } catch (error) {
    const place = file ?? 'standard input'
    throw new UsageError(
      `--secret-env ${name}: cannot read ${place}: ${(error as Error).message.split(',')[0]}`,
    )
  }
}

function textOf(name: string, bytes: Buffer): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '')
  if (!Buffer.from(text).equals(bytes.subarray(0, Buffer.byteLength(text)))) {
    throw new UsageError(
      `--secret-env ${name}: its value is not UTF-8 text; encode it, as base64 does`,
    )
  }
  if (text === '') throw new UsageError(`--secret-env ${name}: its value is empty`)
  return text
}

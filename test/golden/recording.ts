/** A recording of the real Grid Engine 8.1.9: commands with what they printed and returned, in order. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { splitWords } from '../../src/cli/grid-engine/option-sources.ts'
import type { As } from '../support/grid-engine.ts'

export type Recorded = {
  line: string
  user: As
  argv: string[]
  /** What `echo` sent into it. */
  input: string
  /** It needs a shell, or is none of Grid Engine's commands. */
  isOther: boolean
  stdout: string
  stderr: string
  exit: number
}

const folder = fileURLToPath(new URL('recordings', import.meta.url))
export const recordings: readonly string[] = readdirSync(folder)
  .map((name) => name.replace(/\.txt$/, ''))
  .toSorted()

export function recorded(name: string): Recorded[] {
  const text = readFileSync(join(folder, `${name}.txt`), 'utf8')
  const found: Recorded[] = []
  let user: As = 'alice'
  for (const part of text.split(/^(?=\$ |# )/m)) {
    const as = /^# as (alice|bob|root)$/m.exec(part)?.[1]
    if (as !== undefined) user = as as As
    if (!part.startsWith('$ ')) continue
    const [, line = '', stdout = '', stderr = '', exit = ''] =
      /^\$ (.*)\n([\s\S]*?)--stderr--\n([\s\S]*?)exit=(\d+)\n/.exec(part) ?? []
    if (line === '') continue
    found.push({ line, user, ...parsed(line), stdout, stderr, exit: Number(exit) })
    user = 'alice'
  }
  return found
}

function parsed(line: string): Pick<Recorded, 'argv' | 'input' | 'isOther'> {
  const [, echoed, command] = /^echo "([^"]*)" \| (q.*)$/.exec(line) ?? []
  const rest = command ?? line
  const isOther = !rest.startsWith('q') || /[|;&>]/.test(rest.replaceAll(/'[^']*'|"[^"]*"/g, ''))
  return { argv: splitWords(rest), input: echoed === undefined ? '' : `${echoed}\n`, isOther }
}

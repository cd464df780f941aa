/** A bot of which every copy is seen from outside its machine, by files in a folder that the machines share with this one. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { until } from '../../support/wait.ts'
import { bootMs } from './machine.ts'

/** A lock would not reach from one machine to the other: each copy has a file of its own, and its beats must not overlap. */
export const bot = (share: string) => [
  'sh',
  '-c',
  `file=${share}/beat.$EVERGRID_RUN@$(hostname); while :; do date +%s > $file.new; mv $file.new $file; sleep 0.5; done`,
]

/** Beats as they are seen from here: by one clock, that of this process. */
export function watchBeats(share: string) {
  type Copy = { run: string; text: string; first: number; last: number }
  const copies = new Map<string, Copy>()
  const look = () => {
    for (const name of readdirSync(share)) {
      if (!/^beat\.[\d.]+@/.test(name) || name.endsWith('.new')) continue
      const text = read(join(share, name))
      const known = copies.get(name)
      const now = performance.now()
      if (known === undefined) copies.set(name, { run: name.slice(5), text, first: now, last: now })
      else if (text !== known.text && text !== '') Object.assign(known, { text, last: now })
    }
  }
  const timer = setInterval(look, 100)
  const inOrder = () => [...copies.values()].sort((a, b) => a.first - b.first)
  const lastBefore = (time: number) =>
    Math.max(
      0,
      ...inOrder()
        .filter(({ first }) => first < time)
        .map(({ last }) => last),
    )
  return {
    newest: () => inOrder().at(-1)?.first ?? 0,
    /** Of the copy that began last: RUN@HOST, and how long it has been silent. */
    present(): { copy: string; silentMs: number } {
      const copy = inOrder().at(-1)
      return { copy: copy?.run ?? 'none', silentMs: performance.now() - (copy?.last ?? 0) }
    },
    /** Waits for a copy that began after `first`; how long nothing had run before. */
    async beats(first: number, what: string): Promise<number> {
      const next = await until(() => inOrder().find((copy) => copy.first > first), {
        timeoutMs: bootMs,
        what,
      })
      return next.first - lastBefore(next.first)
    },
    overlaps: () =>
      inOrder().flatMap((copy, at, all) => {
        const before = all[at - 1]
        return before && before.last > copy.first + 100
          ? [
              `run ${copy.run} of the bot began ${Math.round(before.last - copy.first)} ms before run ${before.run} was over`,
            ]
          : []
      }),
    close: () => clearInterval(timer),
  }
}
export type Watch = ReturnType<typeof watchBeats>

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

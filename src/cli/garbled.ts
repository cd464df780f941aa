/** Words that are no UTF-8: Node reads them with U+FFFD in them, which names another file than was typed. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'

/** The first such word of our command line or environment; null where U+FFFD was really meant. */
export function garbled(words: readonly string[], from: 'cmdline' | 'environ'): string | null {
  const word = words.find((text) => text.includes('\ufffd'))
  if (word === undefined) return null
  return isUtf8(readFileSync(`/proc/self/${from}`)) ? null : word
}

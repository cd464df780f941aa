/** The same words give the same number on every machine and in every version: spread and jitter must not move. */

const encoder = new TextEncoder()

export function stableHash(...words: readonly (string | number)[]): number {
  let hash = 0x811c9dc5
  for (const char of encoder.encode(words.join('\0'))) {
    hash = Math.imul(hash ^ char, 0x01000193)
  }
  // FNV-1a alone is weak in its low bits for short texts that differ in one letter
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

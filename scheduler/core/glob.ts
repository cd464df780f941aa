/** Name patterns: `*` any text, `?` one character. Linear in the name for each star: nobody's pattern can hang us. */

export const isPattern = (text: string): boolean => /[*?]/.test(text)

export function globTest(pattern: string): (name: string) => boolean {
  if (!isPattern(pattern)) return (name) => name === pattern
  return (name) => fits(pattern, name)
}

/** Two cursors and the last star to go back to; no recursion, no regular expression. */
function fits(pattern: string, name: string): boolean {
  let at = 0
  let position = 0
  let star = -1
  let resume = 0
  while (position < name.length) {
    if (pattern[at] === '*') {
      star = at
      resume = position
      at += 1
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[position])) {
      at += 1
      position += 1
    } else if (star >= 0) {
      at = star + 1
      resume += 1
      position = resume
    } else return false
  }
  while (pattern[at] === '*') at += 1
  return at === pattern.length
}

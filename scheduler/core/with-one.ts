/** A list and one more. Most lists of a firing have one entry: pushed into an empty one it would reserve room for sixteen. */
export const withOne = <T>(before: readonly T[], one: T): readonly T[] =>
  before.length === 0 ? [one] : [...before, one]

/** A promise does not hold: says which, and what was seen. */
export class Broken extends Error {}

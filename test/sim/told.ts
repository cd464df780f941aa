/** What people were told of each thing that they set: its newest answered value, or one that nobody answered for. */

type Subject = {
  /** Null until something was answered: anything may be. */
  values: Set<string> | null
  /** Asked for and never answered: may be done or not, at any time. */
  doubts: Set<string>
  open: Open[]
}

/** `isAlone`: no other was under way while it was; which of two came last is not known. */
type Open = { value: string; isAlone: boolean }

export type AnswerKind = 'done' | 'refused' | 'unanswered'

export class Told {
  #subjects = new Map<string, Subject>()

  /** The returned call says how it went. `value` may be several, with `|` between. */
  asked(name: string, value: string): (answer: AnswerKind) => void {
    const subject = this.#subjectOf(name)
    const one = { value, isAlone: subject.open.length === 0 }
    for (const other of subject.open) other.isAlone = false
    subject.open.push(one)
    return (answer) => {
      subject.open.splice(subject.open.indexOf(one), 1)
      if (answer === 'unanswered') subject.doubts.add(value)
      if (answer !== 'done') return
      if (one.isAlone) subject.values = new Set([value])
      else subject.values?.add(value)
    }
  }

  /** Null when it may be so; else what it should be. */
  whyNot(name: string, value: string): string | null {
    const subject = this.#subjects.get(name)
    if (subject === undefined || subject.values === null) return null
    const allowed = [...subject.values, ...subject.doubts, ...subject.open.map((one) => one.value)]
    if (allowed.some((one) => one.split('|').includes(value))) return null
    return `${name} was acknowledged to be ${[...subject.values].join(' or ')} and is ${value}`
  }

  /** A copy for the time when the database goes back to what it is now; what is open may be in it or not. */
  copy(): Told {
    const copy = new Told()
    for (const [name, { values, doubts, open }] of this.#subjects) {
      const all = new Set([...doubts, ...open.map(({ value }) => value)])
      copy.#subjects.set(name, { values: values && new Set(values), doubts: all, open: [] })
    }
    return copy
  }

  /** What is under way there may be done here, and what was when that took the place of another. */
  doubtAllOf(other: Told): void {
    for (const [name, { open, doubts }] of other.#subjects)
      for (const value of [...doubts, ...open.map((one) => one.value)])
        this.#subjectOf(name).doubts.add(value)
  }

  #subjectOf(name: string): Subject {
    const subject = this.#subjects.get(name) ?? { values: null, doubts: new Set(), open: [] }
    this.#subjects.set(name, subject)
    return subject
  }
}

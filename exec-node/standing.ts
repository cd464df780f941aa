/** What became of a node's start: whoever started it wants to hear that the scheduler has taken it, or why not. */
import type { Refusal } from '../proto/errors.ts'
import type { ReportOutcome } from './ports.ts'

/** The first may be for a secret that is then looked for anew. */
const refusalsToBelieve = 2

export type Standing = {
  /** Settles once: null when a report was taken, the refusal when nothing here goes on and waiting changes nothing. */
  settled: Promise<Refusal | null>
  /** `taken`: answered by the grid that this node is of. */
  heard(outcome: ReportOutcome, taken: boolean): void
}

/** `tell` is called with a sentence whenever what the start waits for changes. */
export function openStanding(of: {
  url: string
  isIdle: () => boolean
  tell: (sentence: string) => void
}): Standing {
  let settle: (refusal: Refusal | null) => void = () => {}
  const settled = new Promise<Refusal | null>((resolve) => {
    settle = resolve
  })
  let over = false
  let refusals = 0
  let told = ''
  const end = (refusal: Refusal | null) => {
    over = true
    settle(refusal)
  }
  return {
    settled,
    heard(outcome, taken) {
      if (over) return
      if (taken) return end(null)
      refusals = outcome.kind === 'rejected' ? refusals + 1 : 0
      if (outcome.kind === 'rejected' && refusals < refusalsToBelieve) return
      const isIdle = of.isIdle()
      if (outcome.kind === 'rejected' && isIdle && !mayPass(outcome.refusal))
        return end(outcome.refusal)
      const sentence = waitsFor(of.url, outcome, isIdle)
      if (sentence !== told) of.tell(sentence)
      told = sentence
    },
  }
}

/** The name is free when the other machine has another, or is lost for good: a machine installed anew then comes in by itself. */
const mayPass = ({ code }: Refusal): boolean => code === 'node-refused'

function waitsFor(url: string, outcome: ReportOutcome, isIdle: boolean): string {
  switch (outcome.kind) {
    case 'rejected':
      return (
        `the scheduler at ${url} refuses this node, which ` +
        `${isIdle ? 'tries again' : 'goes on for what is here'}: ${refusalText(outcome.refusal)}`
      )
    case 'refused-connection':
      return `waiting for the scheduler at ${url}: nothing listens there`
    case 'answered':
      return `waiting for the scheduler at ${url}: another grid answers there, or an older database of this one`
    case 'failed':
    case 'judges-nobody':
      return `waiting for the scheduler at ${url}: ${outcome.detail}`
    default:
      return outcome satisfies never
  }
}

export const refusalText = ({ detail, hint }: Refusal): string =>
  hint === undefined ? detail : `${detail}; ${hint}`

/** What is counted during a run, and how it is printed. */
export class Figures {
  /** Per kind of fault. `gaps`: how long each bot that lost its process did not run, in ms. */
  readonly #kinds = new Map<string, { injected: number; gaps: number[] }>()

  injected(kind: string): void {
    this.#of(kind).injected += 1
  }

  gap(kind: string, ms: number): void {
    this.#of(kind).gaps.push(ms)
  }

  get faults(): number {
    return [...this.#kinds.values()].reduce((sum, { injected }) => sum + injected, 0)
  }

  table(): string {
    const rows = [...this.#kinds].map(([kind, { injected, gaps }]) => row(kind, injected, gaps))
    const all = row(
      'all',
      this.faults,
      [...this.#kinds.values()].flatMap(({ gaps }) => gaps),
    )
    return [
      '| fault | injected | bots that began anew | not running p50 | p99 | longest |',
      '|---|---|---|---|---|---|',
      ...rows.sort(),
      all,
    ].join('\n')
  }

  #of(kind: string) {
    const known = this.#kinds.get(kind) ?? { injected: 0, gaps: [] }
    this.#kinds.set(kind, known)
    return known
  }
}

function row(kind: string, injected: number, gaps: readonly number[]): string {
  const sorted = gaps.toSorted((a, b) => a - b)
  const at = (part: number) => seconds(sorted[Math.ceil(sorted.length * part) - 1])
  return `| ${kind} | ${injected} | ${gaps.length} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`
}

const seconds = (ms: number | undefined) => (ms === undefined ? '-' : `${(ms / 1000).toFixed(1)} s`)

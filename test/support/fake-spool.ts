/** A spool in memory that survives the agent; writes can be made to fail as on a full disk. */
import type { PlacementRecord } from '../../exec-node/core/record.ts'
import { keyOf } from '../../exec-node/core/record.ts'
import type { KeptState, Loaded, Spool } from '../../exec-node/ports.ts'
import type { LeaseRecord } from '../../exec-node/process/run-driver.ts'

export class FakeSpool implements Spool {
  readonly records = new Map<string, string>()
  state: string | null = null
  lease: LeaseRecord | null = null
  damaged: { name: string; detail: string }[] = []
  isFull = false
  onLease: (lease: LeaseRecord) => void = () => {}

  async load(): Promise<Loaded> {
    return {
      state: this.state === null ? null : (JSON.parse(this.state) as KeptState),
      placements: [...this.records.values()]
        .toReversed()
        .map((text) => JSON.parse(text) as PlacementRecord),
      damaged: this.damaged,
    }
  }

  async save(record: PlacementRecord): Promise<void> {
    this.#check()
    this.records.set(keyOf(record), JSON.stringify(record))
  }

  async remove(key: string): Promise<void> {
    this.records.delete(key)
  }

  async saveState(state: KeptState): Promise<void> {
    this.#check()
    this.state = JSON.stringify(state)
  }

  async writeLease(lease: LeaseRecord): Promise<void> {
    this.#check()
    this.lease = lease
    this.onLease(lease)
  }

  #check(): void {
    if (this.isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
  }
}

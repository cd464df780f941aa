/** The store's door over an engine in the same thread: for the simulation, and inside the worker. */
import { batchOf } from './batch.ts'
import { openEngine, type Engine, type EngineOptions, type Fault } from './engine.ts'
import { addPiece, emptySnapshot } from './load.ts'
import type { Store, StoreError } from './store.ts'
import type { BatchStore } from './thread-message.ts'

/**
 * Each call does its work before it returns. After a failed commit all later ones are refused: they would
 * stand on changes that are not there. A new store on the same engine is what a restarted scheduler sees.
 */
export function storeOn(engine: Engine, fault?: Fault): Store & BatchStore {
  let failed: StoreError | undefined
  const commitBatch: BatchStore['commitBatch'] = async (batch) => {
    if (failed !== undefined) throw failed
    try {
      engine.commit(batch, fault)
    } catch (error) {
      failed = error as StoreError
      throw failed
    }
  }
  return {
    load: async (take) => {
      const snapshot = emptySnapshot()
      engine.load((piece) => addPiece(snapshot, piece, take))
      return snapshot
    },
    commit: (changes) => commitBatch(batchOf(changes)),
    commitBatch,
    query: async (name, args) => engine.query(name, args),
    prune: async (olderThan, limit) => engine.prune(olderThan, limit),
    backup: (path) => engine.backup(path),
    close: async () => engine.close(),
  }
}

export const inThreadStore = (
  path: string,
  { fault, ...options }: EngineOptions & { fault?: Fault } = {},
): Store => storeOn(openEngine(path, options), fault)

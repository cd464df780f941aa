/** The store's thread: answers one demand after the other, in the order they came. */
import { parentPort, workerData } from 'node:worker_threads'

import { openEngine, type Engine } from './engine.ts'
import { toStoreError } from './failure.ts'
import { storeOn } from './in-thread-store.ts'
import type { Demand, ErrorText, Report, ThreadStart } from './thread-message.ts'

const { path, options } = workerData as ThreadStart
const port = parentPort!
const tell = (report: Report) => port.postMessage(report)

const textOf = (error: unknown): ErrorText => {
  const { kind, message } = toStoreError(error, path)
  return { kind, message }
}

async function answer(
  engine: Engine,
  store: ReturnType<typeof storeOn>,
  { id, call, args }: Demand,
): Promise<void> {
  try {
    if (call === 'load') {
      engine.load((piece) => tell({ what: 'piece', id, piece }))
      return tell({ what: 'done', id, value: undefined })
    }
    const value: unknown = await (store[call] as (...args: readonly unknown[]) => unknown)(...args)
    tell({ what: 'done', id, value })
    // Pages of old rows lie far apart: many at once would hold up a commit, so each few go by themselves, behind what waits.
    if (call === 'prune' && value !== 0) setImmediate(() => engine.checkpoint())
  } catch (error) {
    tell({ what: 'failed', id, error: textOf(error) })
  }
  if (call === 'close') port.close()
}

try {
  const onReserve = (held: boolean) => tell({ what: 'reserve', held })
  const engine = openEngine(path, { ...options, onReserve })
  const store = storeOn(engine)
  port.on('message', (demand: Demand) => void answer(engine, store, demand))
  tell({ what: 'open' })
} catch (error) {
  tell({ what: 'refused', error: textOf(error) })
}

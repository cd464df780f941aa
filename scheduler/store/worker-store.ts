/** The store's door over an engine in a thread of its own, so that no fsync holds up the scheduler. */
import { Worker } from 'node:worker_threads'

import { batchOf } from './batch.ts'
import type { EngineOptions } from './engine.ts'
import { addPiece, emptySnapshot, type Piece } from './load.ts'
import { StoreError, type Store } from './store.ts'
import type { Call, Demand, ErrorText, Report, ThreadStart } from './thread-message.ts'

export type OpenOptions = Omit<EngineOptions, 'migrations'>

type Asked = {
  resolve: (value: never) => void
  reject: (error: StoreError) => void
  onPiece: (piece: Piece) => void
}

/** Resolves when the database is open and up to date; rejects with a StoreError. */
export function openStore(path: string, options: OpenOptions = {}): Promise<Store> {
  const { onReserve = () => {}, ...rest } = options
  return new Promise((resolve, reject) => {
    const worker = startWorker({ path, options: rest })
    const waiting = new Map<number, Asked>()
    let ended: StoreError | undefined
    const end = (error: StoreError) => {
      ended ??= error
      reject(ended)
      for (const asked of waiting.values()) asked.reject(ended)
      waiting.clear()
    }
    const settle = (id: number, how: (asked: Asked) => void) => {
      const asked = waiting.get(id)
      waiting.delete(id)
      if (asked !== undefined) how(asked)
    }
    let lastId = 0
    const store = doorOver((call, args, onPiece = () => {}) => {
      if (ended !== undefined) return call === 'close' ? Promise.resolve() : Promise.reject(ended)
      const demand: Demand = { id: ++lastId, call, args }
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(demand)
      return new Promise((resolve, reject) => {
        waiting.set(demand.id, { resolve, reject, onPiece })
      })
    })
    worker.on('message', (report: Report) => {
      if (report.what === 'open') resolve(store)
      else if (report.what === 'refused') end(errorOf(report.error))
      else if (report.what === 'reserve') onReserve(report.held)
      else if (report.what === 'piece') waiting.get(report.id)?.onPiece(report.piece)
      else if (report.what === 'done') settle(report.id, (to) => to.resolve(report.value as never))
      else settle(report.id, (to) => to.reject(errorOf(report.error)))
    })
    worker.on('error', (error) => end(new StoreError('failed', `${path}: thread failed: ${error}`)))
    worker.on('exit', () => end(new StoreError('failed', `the store of ${path} is closed`)))
  })
}

type Ask = (
  call: Call,
  args: readonly unknown[],
  onPiece?: (piece: Piece) => void,
) => Promise<never> | Promise<void>

function doorOver(ask: Ask): Store {
  return {
    load: async (take) => {
      const snapshot = emptySnapshot()
      await ask('load', [], (piece) => addPiece(snapshot, piece, take))
      return snapshot
    },
    commit: (changes) => ask('commitBatch', [batchOf(changes)]),
    query: (name, args) => ask('query', [name, args]) as Promise<never>,
    prune: (olderThan, limit) => ask('prune', [olderThan, limit]) as Promise<never>,
    backup: (path) => ask('backup', [path]),
    close: () => ask('close', []),
  }
}

const errorOf = ({ kind, message }: ErrorText) => new StoreError(kind, message)

/** As source, the thread registers a TypeScript loader of its own: on Node 20 it inherits none that works. */
function startWorker(start: ThreadStart): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('worker.js', import.meta.url), { workerData: start })
  const loader = import.meta.resolve('tsx/esm/api')
  const program = new URL('worker.ts', import.meta.url).href
  return new Worker(
    `import('${loader}').then(({ register }) => { register(); return import('${program}') })`,
    { eval: true, workerData: start, execArgv: [] },
  )
}

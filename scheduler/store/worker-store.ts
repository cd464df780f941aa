/** The store's door over an engine in a thread of its own, so that no fsync holds up the scheduler. */
import { Worker } from 'node:worker_threads'

import type { EngineOptions } from './engine.ts'
import { StoreError, type Store } from './store.ts'
import type { Demand, ErrorText, Report, ThreadStart } from './thread-message.ts'

export type OpenOptions = Omit<EngineOptions, 'migrations'>

/** Resolves when the database is open and up to date; rejects with a StoreError. */
export function openStore(path: string, options: OpenOptions = {}): Promise<Store> {
  const { onReserve = () => {}, ...rest } = options
  const worker = startWorker({ path, options: rest })
  const waiting = new Map<number, Asked>()
  let ended: StoreError | undefined
  let nextId = 1

  const call = (name: keyof Store, ...args: readonly unknown[]): Promise<never> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended)
      const demand: Demand = { id: nextId++, call: name, args }
      waiting.set(demand.id, { resolve, reject })
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(demand)
    })
  const store: Store = {
    load: () => call('load'),
    commit: (changes) => call('commit', changes),
    query: (name, args) => call('query', name, args),
    prune: (olderThan, limit) => call('prune', olderThan, limit),
    backup: (to) => call('backup', to),
    close: () => (ended === undefined ? call('close') : Promise.resolve()),
  }
  return new Promise((resolve, reject) => {
    const end = (error: StoreError) => {
      ended ??= error
      reject(ended)
      for (const asked of waiting.values()) asked.reject(ended)
      waiting.clear()
    }
    worker.on('message', (report: Report) => {
      switch (report.what) {
        case 'open':
          return resolve(store)
        case 'refused':
          return end(errorOf(report.error))
        case 'reserve':
          return onReserve(report.held)
        case 'done':
        case 'failed': {
          const asked = waiting.get(report.id)
          waiting.delete(report.id)
          if (report.what === 'done') return asked?.resolve(report.value as never)
          return asked?.reject(errorOf(report.error))
        }
      }
    })
    worker.on('error', (error) =>
      end(new StoreError('failed', `the store's thread failed: ${error}`)),
    )
    worker.on('exit', () => end(new StoreError('failed', `the store of ${path} is closed`)))
  })
}

type Asked = { resolve: (value: never) => void; reject: (error: StoreError) => void }

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

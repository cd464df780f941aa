/**
 * Promises and immediates of simulated code come to rest within one turn of the real event loop: nothing here does
 * real input or output, and turns of the real loop cost more than what happens in them.
 */
const { _tickCallback: drain } = process as typeof process & { _tickCallback(this: void): void }

/** `work` may call `settle` as often as it likes: then all promises and immediates are done. */
export function inOneTurn(work: (settle: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    // Not within a promise: those do not nest.
    setImmediate(() => {
      try {
        withImmediates(work)
        resolve()
      } catch (error) {
        reject(error)
      }
    })
  })
}

function withImmediates(work: (settle: () => void) => void): void {
  const real = globalThis.setImmediate
  const waiting: (() => void)[] = []
  const gather = (call: () => void) => void waiting.push(call)
  globalThis.setImmediate = gather as unknown as typeof setImmediate
  try {
    work(() => settle(waiting))
  } finally {
    globalThis.setImmediate = real
  }
}

function settle(waiting: (() => void)[]): void {
  drain()
  while (waiting.length > 0) {
    for (const call of waiting.splice(0)) {
      call()
      drain()
    }
  }
}

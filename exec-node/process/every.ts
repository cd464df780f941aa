/** A task repeated at its pace, never two of it at once, which holds up no end of the process. */
export function every(
  ms: number,
  task: () => Promise<void>,
  failed: (error: unknown) => void,
): { close(): void } {
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    void task()
      .catch(failed)
      .finally(() => (busy = false))
  }, ms)
  timer.unref()
  return { close: () => clearInterval(timer) }
}

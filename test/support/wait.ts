/** How many times longer a slow machine may take; bounds are for what hangs, not for speed. */
export const patience = Number(process.env['EVERGRID_TEST_PATIENCE'] ?? 1)

/** Waits for a condition, polling; tests never sleep for luck. */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 20_000, everyMs = 20, what = 'the condition' } = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs * patience
  for (;;) {
    const value = await condition()
    if (value !== undefined && value !== null && value !== false) return value
    if (performance.now() > end) throw new Error(`${what} did not hold within ${timeoutMs} ms`)
    await new Promise((resolve) => {
      setTimeout(resolve, everyMs)
    })
  }
}

/** Program of the bench: plain `child_process.spawn` of /bin/true, so many at once; prints how long it took. */
import { spawn } from 'node:child_process'

export type SpawnInput = { count: number; atOnce: number }

const { count, atOnce } = JSON.parse(process.argv[2] ?? '') as SpawnInput

let begun = 0
const once = () =>
  new Promise<void>((resolve) => {
    spawn('/bin/true', { stdio: 'ignore' }).once('close', () => resolve())
  })
async function lane(): Promise<void> {
  while (begun < count) {
    begun += 1
    await once()
  }
}
const from = performance.now()
await Promise.all(Array.from({ length: atOnce }, lane))
console.log(JSON.stringify({ tookMs: performance.now() - from }))

/** Program of the bench: `clients` connections submit `count` jobs between them; prints how long it took. */
import { RawConnection } from './raw-http.ts'

export type SubmitInput = {
  url: string
  bearer: string
  clients: number
  count: number
  body: object
}
export type SubmitOutput = { fromMs: number; tookMs: number }

const input = JSON.parse(process.argv[2] ?? '') as SubmitInput
const connections = await Promise.all(
  Array.from({ length: input.clients }, () => RawConnection.open(input.url, input.bearer)),
)
const body = JSON.stringify(input.body)
let sent = 0
const fromMs = performance.timeOrigin + performance.now()
const from = performance.now()
await Promise.all(
  connections.map(async (connection) => {
    while (sent < input.count) {
      sent += 1
      const key = `Idempotency-Key: bench-${process.pid}-${sent}\r\n`
      const { status, body: text } = await connection.request('POST', '/v1/jobs', body, key)
      if (status !== 200) throw new Error(`a submit was answered ${status}: ${text.toString()}`)
    }
  }),
)
const output: SubmitOutput = { fromMs, tookMs: performance.now() - from }
console.log(JSON.stringify(output))
for (const connection of connections) connection.close()

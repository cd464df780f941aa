/** Program of the load test: many clients that submit without a pause; prints what each was answered. */
import { setTimeout as delay } from 'node:timers/promises'

import { RawConnection } from '../bench/raw-http.ts'

export type LoadInput = {
  url: string
  bearer: string
  clients: number
  forMs: number
  body: object
}
export type LoadOutput = {
  /** Numbers of the jobs that were taken. */
  jobs: number[]
  /** Requests that were told to come again. */
  refused: number
  /** How long those took that were taken, in ms. */
  tookMs: number[]
  /** What was answered that should not have been. */
  wrong: string[]
}

const input = JSON.parse(process.argv[2] ?? '') as LoadInput
const output: LoadOutput = { jobs: [], refused: 0, tookMs: [], wrong: [] }
const body = JSON.stringify(input.body)
const connections = await Promise.all(
  Array.from({ length: input.clients }, () => RawConnection.open(input.url, input.bearer)),
)
const end = performance.now() + input.forMs
await Promise.all(connections.map((connection, client) => submitOn(connection, client)))
console.log(JSON.stringify(output))
for (const connection of connections) connection.close()

async function submitOn(connection: RawConnection, client: number): Promise<void> {
  for (let nth = 0; performance.now() < end; nth++) await submitOne(connection, `${client}-${nth}`)
}

/** Until it is taken: under its key it is one job however often it is sent. */
async function submitOne(connection: RawConnection, key: string): Promise<void> {
  for (;;) {
    const from = performance.now()
    const reply = await connection.request(
      'POST',
      '/v1/jobs',
      body,
      `Idempotency-Key: load-${key}\r\n`,
    )
    if (reply.status === 200) {
      output.jobs.push((JSON.parse(reply.body.toString()) as { job: number }).job)
      output.tookMs.push(performance.now() - from)
      return
    }
    output.refused += 1
    const after = /^retry-after: (\d+)/im.exec(reply.head)?.[1]
    const { code } = JSON.parse(reply.body.toString()) as { code: string }
    if (reply.status !== 429 || code !== 'too-many-requests' || Number(after) < 1 || !after)
      output.wrong.push(`${reply.status} ${code}, retry-after ${after}`)
    if (performance.now() > end) return
    // As told, and not all in step.
    await delay(Number(after ?? 1) * 1000 * (0.5 + Math.random()))
  }
}

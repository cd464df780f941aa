/** One HTTP exchange over a proven connection: request out, status and body (or its stream) back. */
import http from 'node:http'

export type Outgoing = {
  url: URL
  method: string
  agent: http.Agent
  headers: Record<string, string>
  body: string | undefined
  signal: AbortSignal | undefined
  /** Silence on the connection for so long is a lost connection. */
  silenceMs: number
}

export function openExchange(out: Outgoing): Promise<http.IncomingMessage> {
  const { url, method, agent, body, signal, silenceMs } = out
  const headers = { ...out.headers }
  if (body !== undefined) {
    headers['content-type'] = 'application/json'
    headers['content-length'] = String(Buffer.byteLength(body))
  }
  return new Promise((resolve, reject) => {
    const request = http.request(url, {
      method,
      agent,
      headers,
      ...(signal === undefined ? {} : { signal }),
    })
    request.setTimeout(silenceMs, () =>
      request.destroy(new Error(`no answer within ${silenceMs / 1000} seconds`)),
    )
    request.once('response', resolve)
    request.once('error', reject)
    request.end(body)
  })
}

export async function textOf(message: http.IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}

/**
 * A bare HTTP client: one keep-alive connection, one request at a time, as little work as possible, so that what
 * is measured is the scheduler. Bodies come with a length or in chunks.
 */
import { connect, type Socket } from 'node:net'

export type RawReply = { status: number; head: string; body: Buffer }
type Waiting = { resolve: (reply: RawReply) => void; reject: (error: Error) => void }

const headEnd = Buffer.from('\r\n\r\n')

export class RawConnection {
  readonly #socket: Socket
  readonly #head: string
  readonly #waiting: Waiting[] = []
  #parts: Buffer[] = []
  #bytes = 0
  /** Whole length of the reply that is coming in; null until its head is here. */
  #wanted: number | null = null

  private constructor(socket: Socket, head: string) {
    this.#socket = socket
    this.#head = head
    socket.setNoDelay(true)
    socket.on('data', (part: Buffer) => this.#take(part))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the connection closed')))
  }

  static open(url: string, bearer: string): Promise<RawConnection> {
    const { hostname, port, host } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port) })
      socket.once('error', reject)
      socket.once('connect', () => {
        const head = `Host: ${host}\r\nAuthorization: Bearer ${bearer}\r\n`
        resolve(new RawConnection(socket, head))
      })
    })
  }

  request(method: string, path: string, body = '', more = ''): Promise<RawReply> {
    const about = method === 'GET' ? '' : bodyHead(body)
    this.#socket.write(`${method} ${path} HTTP/1.1\r\n${this.#head}${more}${about}\r\n${body}`)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const reply = await this.request(method, path, body === undefined ? '' : JSON.stringify(body))
    const text = reply.body.toString()
    if (reply.status !== 200) throw new Error(`${method} ${path}: ${reply.status} ${text}`)
    return JSON.parse(text) as T
  }

  /** A reply that never ends: each line of it, from the chunks as they come. */
  stream(path: string, onLine: (line: string) => void): void {
    this.#socket.removeAllListeners('data')
    this.#socket.removeAllListeners('close')
    let rest = ''
    let inBody = false
    this.#socket.setEncoding('utf8')
    this.#socket.on('data', (text: Buffer | string) => {
      rest += String(text)
      if (!inBody) {
        const end = rest.indexOf('\r\n\r\n')
        if (end < 0) return
        inBody = true
        rest = rest.slice(end + 4)
      }
      for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
        const line = rest.slice(0, at)
        rest = rest.slice(at + 1)
        // Sizes of chunks stand on lines of their own.
        if (line.startsWith('{')) onLine(line)
      }
    })
    this.#socket.write(`GET ${path} HTTP/1.1\r\n${this.#head}\r\n`)
  }

  close(): void {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }

  #take(part: Buffer): void {
    this.#parts.push(part)
    this.#bytes += part.length
    if (this.#wanted !== null && this.#bytes < this.#wanted) return
    const all = this.#parts.length === 1 ? part : Buffer.concat(this.#parts)
    this.#parts = [all]
    const end = all.indexOf(headEnd)
    if (end < 0) return
    const head = all.toString('latin1', 0, end)
    const length = /^content-length: (\d+)/im.exec(head)?.[1]
    if (length === undefined) throw new Error(`a reply without its length: ${head}`)
    this.#wanted = end + 4 + Number(length)
    if (all.length < this.#wanted) return
    const body = all.subarray(end + 4, this.#wanted)
    this.#parts = []
    this.#bytes = 0
    this.#wanted = null
    this.#waiting.shift()?.resolve({ status: Number(head.slice(9, 12)), head, body })
  }

  #fail(error: Error): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }
}

const bodyHead = (body: string) =>
  `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`

/** A reply that stays open: headers at once, a ping when nothing is said, closed when the other end does not read. */
import type { FastifyReply } from 'fastify'

export type Outflow = {
  /** False: the other end is behind; more should wait for `onDrain`. */
  write(text: string): boolean
  onDrain(call: () => void): void
  onEnd(call: () => void): void
  end(): void
}

/** An order stream that has this much waiting belongs to a node that has stopped reading. */
const mostWaitingBytes = 4 * 2 ** 20
/** So many pings without a byte taken, and the other end is given up. */
const mostDeafPings = 6

export function openOutflow(
  reply: FastifyReply,
  options: { type: string; ping: string; pingMs: number },
): Outflow {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    'content-type': options.type,
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  raw.flushHeaders()
  raw.on('error', () => raw.destroy())
  let deafPings = 0
  let takenBytes = 0
  let longest = 0
  const pinging = setInterval(() => {
    const taken = (raw.socket?.bytesWritten ?? 0) - raw.writableLength
    deafPings = raw.writableLength > 0 && taken <= takenBytes ? deafPings + 1 : 0
    takenBytes = taken
    if (deafPings >= mostDeafPings) raw.destroy()
    else if (raw.writableLength === 0) raw.write(options.ping)
  }, options.pingMs)
  pinging.unref()
  raw.once('close', () => clearInterval(pinging))
  return {
    write(text) {
      // A node that has just got one long line is not yet a slow one.
      longest = Math.max(longest, text.length)
      if (raw.writableLength > mostWaitingBytes + longest) {
        raw.destroy()
        return false
      }
      return raw.write(text)
    },
    onDrain: (call) => void raw.on('drain', call),
    onEnd: (call) => void (raw.closed ? call() : raw.once('close', call)),
    end: () => void raw.end(),
  }
}

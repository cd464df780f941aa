/** I/O errors that the kernel tells of. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

import { unknown, type Probe } from './probe.ts'

const errorLine =
  /\b(I\/O error|critical medium error|EXT4-fs error|XFS .*corruption|Buffer I\/O error|nvme.*(timeout|reset controller))/i
const recordBytes = 8192
const recordsPerReading = 10_000
/** An error counts as present for so long. */
const presentMs = 10 * 60_000

export function kernelErrorProbe(now: () => number, path = '/dev/kmsg'): Probe {
  let lastSequence = -1
  let last: { at: number; text: string } | null = null
  return {
    name: 'kernel-io-errors',
    threshold: 'failing for 10 min after an I/O error in the kernel log',
    async read() {
      const lines = await readNew(path, lastSequence).catch(() => null)
      if (lines === null) return unknown('the kernel log cannot be read')
      const first = lastSequence === -1
      for (const { sequence, text } of lines) {
        lastSequence = Math.max(lastSequence, sequence)
        // What happened before we came is history: it may have been repaired since.
        if (!first && errorLine.test(text)) last = { at: now(), text }
      }
      if (last === null || now() - last.at > presentMs) return { verdict: 'ok', value: 'none' }
      return { verdict: 'failing', value: last.text.slice(0, 200) }
    },
  }
}

type KernelLine = { sequence: number; text: string }

export function parseKernelLine(record: string): KernelLine | null {
  const match = /^\d+,(\d+),[^;]*;(.*)/.exec(record)
  return match === null ? null : { sequence: Number(match[1]), text: match[2] ?? '' }
}

async function readNew(path: string, after: number): Promise<KernelLine[]> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const lines: KernelLine[] = []
    const buffer = Buffer.alloc(recordBytes)
    for (let reads = 0; reads < recordsPerReading; reads += 1) {
      const bytes = await file.read(buffer, 0, recordBytes, null).then(
        (read) => read.bytesRead,
        (error: NodeJS.ErrnoException) => {
          // Overtaken by newer records: the next read goes on behind the gap.
          if (error.code === 'EPIPE') return -1
          if (error.code === 'EAGAIN') return 0
          throw error
        },
      )
      if (bytes === 0) break
      const line = bytes < 0 ? null : parseKernelLine(buffer.toString('utf8', 0, bytes))
      if (line !== null && line.sequence > after) lines.push(line)
    }
    return lines
  } finally {
    await file.close()
  }
}

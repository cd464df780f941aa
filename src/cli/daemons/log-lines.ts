/** What is appended to a file, line by line: each byte is read once. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const partBytes = 65_536

export class LogLines {
  readonly #path: string
  #at: number
  #begun: Buffer = Buffer.alloc(0)

  /** `from`: bytes that were there before and are passed over. */
  constructor(path: string, from: number) {
    this.#path = path
    this.#at = from
  }

  /** The lines that were ended since the last call; none where the file is not there or cannot be read. */
  next(): string[] {
    const text = Buffer.concat([this.#begun, ...this.#parts()])
    const end = text.lastIndexOf('\n') + 1
    this.#begun = Buffer.from(text.subarray(end))
    return end === 0 ? [] : text.toString('utf8', 0, end - 1).split('\n')
  }

  #parts(): Buffer[] {
    const parts: Buffer[] = []
    try {
      const file = openSync(this.#path, 'r')
      try {
        // A log that was cut short begins anew.
        if (fstatSync(file).size < this.#at) this.#at = 0
        for (;;) {
          const part = Buffer.alloc(partBytes)
          const read = readSync(file, part, 0, partBytes, this.#at)
          if (read === 0) return parts
          this.#at += read
          parts.push(part.subarray(0, read))
        }
      } finally {
        closeSync(file)
      }
    } catch {
      return parts
    }
  }
}

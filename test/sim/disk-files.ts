/**
 * The files of a database as a crash leaves them. Each start of a scheduler gets a copy, for the one before never
 * closed its own: that would tidy up. SQLite itself has to find out what counts.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { openSync, writeSync, closeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Random } from './random.ts'

const parts = ['', '-wal'] as const

export class DiskFiles {
  readonly #folder = mkdtempSync(join(tmpdir(), 'evergrid-sim-'))
  readonly #random: Random
  #generation = 0
  #before = 0
  /** Wall clock of the scheduler when the backup was made; null without one. */
  backupAt: number | null = null

  constructor(random: Random) {
    this.#random = random
  }

  get path(): string {
    return join(this.#folder, `${this.#generation}.db`)
  }

  get walBytes(): number {
    return sizeOf(`${this.path}-wal`)
  }

  /** As a killed process leaves them. */
  crash(): void {
    this.#next(this.path)
  }

  /** As a machine without power leaves them within a commit: of what follows `syncedBytes` not all is there. */
  tear(syncedBytes: number): void {
    this.#next(this.path)
    const wal = `${this.path}-wal`
    const size = sizeOf(wal)
    if (size <= syncedBytes) return
    const at = this.#random.int(syncedBytes, size - 1)
    if (this.#random.chance(0.5)) return truncateSync(wal, at)
    const file = openSync(wal, 'r+')
    // Pages of a file are written in any order: what is behind the hole may be there.
    const length = Math.min(size - at, this.#random.int(1, 5_000))
    writeSync(file, new Uint8Array(length).fill(this.#random.int(1, 255)), 0, length, at)
    closeSync(file)
  }

  backup(now: number): void {
    copy(this.path, this.#backupPath)
    this.backupAt = now
  }

  restore(): void {
    this.#next(this.#backupPath)
  }

  leaveForEmpty(): void {
    this.#before = this.#generation
    this.#generation += 1
  }

  comeBack(): void {
    this.#next(join(this.#folder, `${this.#before}.db`))
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #backupPath(): string {
    return join(this.#folder, 'backup.db')
  }

  #next(from: string): void {
    this.#generation += 1
    copy(from, this.path)
  }
}

function copy(from: string, to: string): void {
  for (const part of parts)
    if (existsSync(`${from}${part}`)) copyFileSync(`${from}${part}`, `${to}${part}`)
    else rmSync(`${to}${part}`, { force: true })
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

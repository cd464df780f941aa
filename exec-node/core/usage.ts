/** Whether what a run uses is news: figures that hardly moved are not told again. */
import type { Usage } from '../../proto/cause.ts'

const part = 1 / 16
const leastCpuMs = 50
const leastBytes = 256 * 2 ** 10

export function changedMuch(before: Usage | null, now: Usage): boolean {
  if (before === null) return Object.values(now).some((value) => value !== null)
  return (
    moved(before.cpuMs, now.cpuMs, leastCpuMs) ||
    moved(before.memBytes, now.memBytes, leastBytes) ||
    moved(before.peakMemBytes, now.peakMemBytes, leastBytes) ||
    moved(before.readBytes, now.readBytes, leastBytes) ||
    moved(before.writtenBytes, now.writtenBytes, leastBytes)
  )
}

function moved(before: number | null, now: number | null, least: number): boolean {
  if (before === null || now === null) return before !== now
  return Math.abs(now - before) >= Math.max(least, Math.abs(before) * part)
}

/** One line about the machine that was measured. */
import { cpus, loadavg, totalmem } from 'node:os'

export function machineLine(): string {
  const all = cpus()
  const model = all[0]?.model.trim() ?? 'unknown processor'
  const gib = Math.round(totalmem() / 2 ** 30)
  const day = new Date().toISOString().slice(0, 10)
  // Other work on the machine makes every figure worse: who reads them must know of it.
  const load = loadavg()[0]?.toFixed(1)
  return `${all.length} processors (${model}), ${gib} GiB, Node ${process.version}, ${day}, load ${load} before`
}

/** Placements as they stand in the spool: the values of secret variables are sealed with a key of this node. */
import { seal, unseal } from '../src/lib/seal.ts'
import type { PlacementRecord } from './core/record.ts'

export const sealedRecord = (key: Buffer, record: PlacementRecord): PlacementRecord =>
  withSecrets(record, (name, value) => seal(key, name, value))

/** A value that cannot be opened is left out; the run does not start without it. */
export const openedRecord = (key: Buffer, record: PlacementRecord): PlacementRecord =>
  withSecrets(record, (name, value) => unseal(key, name, value))

function withSecrets(
  record: PlacementRecord,
  change: (name: string, value: string) => string | null,
): PlacementRecord {
  const { order } = record
  if (order.secrets === undefined || order.secrets.length === 0) return record
  const secrets = new Set(order.secrets)
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(order.spec.env)) {
    const changed = secrets.has(name) ? change(name, value) : value
    if (changed !== null) env[name] = changed
  }
  return { ...record, order: { ...order, spec: { ...order.spec, env } } }
}

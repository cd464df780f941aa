/**
 * Where secret values turn from clear to sealed and back: at this edge, so that the brain, the database, its backups and the
 * logs only ever see them sealed. The key is a file beside the database, and in no backup.
 */
import { createHmac } from 'node:crypto'
import { join } from 'node:path'

import type { SecretEnv } from '../../proto/job.ts'
import type { Order, OrderLine } from '../../proto/sync.ts'
import { seal, unseal } from '../../src/lib/seal.ts'
import { keepSecret } from '../../src/lib/secret-file.ts'

export type Vault = {
  /** The body of a request with its secret values sealed. */
  seal(body: unknown): unknown
  /** With marks in their place that are equal for equal values, and say nothing to who has not the key. */
  mark(body: unknown): unknown
  /** A line as exec-nodes get it: the values in clear among the other variables. */
  open(line: OrderLine): OrderLine
}

/** Throws where others could have read the key. */
export function openVault(dataDir: string): Vault {
  const key = Buffer.from(keepSecret(join(dataDir, 'secret-key')), 'hex')
  const markOf = (name: string, value: string) =>
    createHmac('sha256', key).update(`${name}\0${value}`).digest('hex')
  return {
    seal: (body) => withSecrets(body, (name, value) => seal(key, name, value)),
    mark: (body) => withSecrets(body, markOf),
    open(line) {
      if (line.kind !== 'full' && line.kind !== 'diff') return line
      return { ...line, orders: line.orders.map((order) => opened(key, order)) }
    },
  }
}

/** A value that cannot be opened stays out; the node knows its name, and does not start without it. */
function opened(key: Buffer, order: Order): Order {
  const { secretEnv, ...spec } = order.spec
  if (secretEnv === undefined) return order
  const values = Object.entries(secretEnv).flatMap(([name, sealed]) => {
    const value = sealed === null ? null : unseal(key, name, sealed)
    return value === null ? [] : [[name, value]]
  })
  const env = { ...spec.env, ...Object.fromEntries(values) }
  return { ...order, secrets: Object.keys(secretEnv), spec: { ...spec, env } }
}

/** Wherever a job may stand in a body; what has no secrets is the very same value. */
function withSecrets(value: unknown, change: (name: string, value: string) => string): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    if (typeof value[0] !== 'object') return value
    const items = value.map((item) => withSecrets(item, change))
    return items.every((item, at) => item === value[at]) ? value : items
  }
  let copy: Record<string, unknown> | null = null
  for (const [name, part] of Object.entries(value)) {
    const isSecrets = name === 'secretEnv' && typeof part === 'object' && part !== null
    const changed = isSecrets ? changeAll(part as SecretEnv, change) : withSecrets(part, change)
    if (changed !== part) copy = { ...(copy ?? value), [name]: changed }
  }
  return copy ?? value
}

const changeAll = (
  secrets: SecretEnv,
  change: (name: string, value: string) => string,
): SecretEnv =>
  Object.fromEntries(
    Object.entries(secrets).map(([name, value]) => [
      name,
      value === null ? null : change(name, value),
    ]),
  )

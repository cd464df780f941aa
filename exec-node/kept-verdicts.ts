/**
 * The bad verdicts in `health.json` of the data folder: what was found bad before a restart of the agent is bad until
 * enough readings say otherwise, and a restart is no recovery.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { ProbeReport } from '../proto/node.ts'
import { isBad } from './core/health.ts'
import type { KeptVerdicts } from './health/health-watch.ts'
import { replaceSmall } from './process/small-file.ts'

export function keptVerdicts(dataDir: string): KeptVerdicts {
  const path = join(dataDir, 'health.json')
  return {
    load() {
      try {
        const kept: unknown = JSON.parse(readFileSync(path, 'utf8'))
        return Array.isArray(kept) ? kept.filter(isBadReport) : []
      } catch {
        // None yet, or damaged: the probes find again what is bad.
        return []
      }
    },
    save(bad) {
      try {
        replaceSmall(path, JSON.stringify(bad))
      } catch {
        // A full disk is one of the things that probes find: it keeps none of them from being told.
      }
    },
  }
}

function isBadReport(value: unknown): value is ProbeReport {
  if (typeof value !== 'object' || value === null) return false
  const { probe, verdict, value: found, threshold, since } = value as ProbeReport
  const texts = [probe, found, threshold, since]
  return (
    texts.every((text) => typeof text === 'string') &&
    isBad({ verdict }) &&
    !Number.isNaN(Date.parse(since))
  )
}

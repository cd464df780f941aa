/** Whether the machine is short of memory, and whether its memory is sound. */
import { readFile, readdir } from 'node:fs/promises'

import type { Reading } from '../core/health.ts'
import { below, unknown, type Probe } from './probe.ts'

/** Share of the last minute in which all work stood still for want of memory. */
const failingStall = 10
const criticalStall = 40
const failingFree = 3
const criticalFree = 1

export function memoryPressureProbe(
  read = readFile as (path: string, enc: 'utf8') => Promise<string>,
): Probe {
  return {
    name: 'memory-pressure',
    threshold:
      `failing above ${failingStall}% stalled (or below ${failingFree}% available), ` +
      `critical above ${criticalStall}% (${criticalFree}%)`,
    async read() {
      const pressure = await read('/proc/pressure/memory', 'utf8').catch(() => null)
      const stalled = pressure === null ? null : parseStall(pressure)
      if (stalled !== null) return judgeStall(stalled)
      return judgeFree(await read('/proc/meminfo', 'utf8'))
    },
  }
}

function parseStall(text: string): number | null {
  const match = /^full .*\bavg60=([\d.]+)/m.exec(text)
  return match === null ? null : Number(match[1])
}

function judgeStall(stalled: number): Reading {
  const verdict = stalled > criticalStall ? 'critical' : stalled > failingStall ? 'failing' : 'ok'
  return { verdict, value: `${stalled.toFixed(1)}% stalled in the last minute` }
}

function judgeFree(meminfo: string): Reading {
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1])
  const percent = (field('MemAvailable') / field('MemTotal')) * 100
  if (Number.isNaN(percent)) return unknown('the kernel does not tell')
  return {
    verdict: below(percent, failingFree, criticalFree),
    value: `${percent.toFixed(1)}% available`,
  }
}

const edac = '/sys/devices/system/edac/mc'
/** Corrected errors per reading: some are normal, a stream of them announces a failing module. */
const correctedPerReading = 10

/** Counts since the machine was started, so the first reading only says from where to count. */
export function memoryErrorProbe(folder = edac): Probe {
  let before: { corrected: number; uncorrected: number } | null = null
  return {
    name: 'memory-errors',
    threshold: `failing above ${correctedPerReading} corrected errors per reading, critical at any uncorrected one`,
    async read() {
      const controllers = await readdir(folder).catch(() => [])
      const names = controllers.filter((name) => /^mc\d+$/.test(name))
      if (names.length === 0) return unknown('the machine counts no memory errors')
      const sum = async (file: string) => {
        const counts = await Promise.all(names.map((name) => count(`${folder}/${name}/${file}`)))
        return counts.reduce((all, one) => all + one, 0)
      }
      const [corrected, uncorrected] = await Promise.all([sum('ce_count'), sum('ue_count')])
      const fresh = corrected - (before?.corrected ?? corrected)
      before = { corrected, uncorrected }
      const value = `${corrected} corrected (${fresh} new), ${uncorrected} uncorrected`
      if (uncorrected > 0) return { verdict: 'critical', value }
      return { verdict: fresh > correctedPerReading ? 'failing' : 'ok', value }
    },
  }
}

const count = async (path: string): Promise<number> =>
  Number(await readFile(path, 'utf8').catch(() => '0')) || 0

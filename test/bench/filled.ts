/** Data folders with a long queue or many schedules in them, made by the brain itself: much sooner than over HTTP. */
import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'

import type { JobRequest } from '../../proto/job.ts'
import { protocolVersion, type Phase, type PlacementReport, type Report } from '../../proto/sync.ts'
import { Brain } from '../../scheduler/brain/brain.ts'
import { brainSettings } from '../../scheduler/settings.ts'
import { prepareDataFolder } from '../../scheduler/store/open.ts'
import { openStore } from '../../scheduler/store/worker-store.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { realClock } from '../../src/lib/real-clock.ts'
import { request } from './submits.ts'

/** Whom the grid's own secret stands for: lists of "own" jobs then show them. */
const owner = userInfo().username
export const caller = { owner, rights: 'manager', from: '127.0.0.1' } as const
const submitsAtOnce = 2_000

export type OpenBrain = { brain: Brain; close: () => Promise<void> }

export async function openBrain(data: string, clock: Clock = realClock()): Promise<OpenBrain> {
  const store = await openStore(prepareDataFolder(data))
  const brain = await Brain.open({
    store,
    clock,
    log: silentLog,
    settings: brainSettings({
      version: 'bench',
      place: data,
      self: owner,
      refuseOwner: () => null,
    }),
    newGridId: randomUUID,
    onFailure: (error) => {
      throw error
    },
  })
  return {
    brain,
    async close() {
      await brain.stop()
      await store.close()
    },
  }
}

export async function submitAll(brain: Brain, count: number, body: JobRequest): Promise<void> {
  for (let done = 0; done < count; done += submitsAtOnce) {
    for (let at = done; at < Math.min(count, done + submitsAtOnce); at++) {
      const result = await brain.handlers.submitJob({ caller, params: {}, query: {}, body })
      if (!result.ok) throw new Error(result.refusal.detail)
    }
    await brain.settled()
  }
}

/** Named s0, s1…, in UTC; each of a job of its own. */
export async function addSchedules(brain: Brain, count: number, expression: string): Promise<void> {
  for (let at = 0; at < count; at++) {
    const body = { name: `s${at}`, expression, tz: 'UTC', job: request }
    const result = await brain.handlers.addSchedule({ caller, params: {}, query: {}, body })
    if (!result.ok) throw new Error(result.refusal.detail)
    if (at % 2_000 === 0) await brain.settled()
  }
  await brain.settled()
}

/** A report as a simulated node sends it. */
export function reportOf(node: string, slots: number, more: Partial<Report>): Report {
  return {
    protocol: protocolVersion,
    node,
    grid: null,
    session: `session-${node}`,
    sequence: 1,
    uptimeMs: 1_000_000,
    facts: {
      slots,
      memBytes: 2 ** 40,
      labels: {},
      enforcement: 'cgroup1',
      version: 'bench',
      bootId: 'bench',
      machineId: `machine-${node}`,
    },
    full: true,
    revision: null,
    terms: null,
    placements: [],
    oddities: [],
    health: [],
    ...more,
  }
}

/** What a node says of a placement whose first run began, and is over where it says so. */
export function placementReport(
  order: { task: string; epoch: number; firstRun: number },
  phase: Phase,
  at: number,
): PlacementReport {
  const over = phase.kind === 'ended'
  const run = {
    number: order.firstRun,
    pid: 4711,
    startedAt: at,
    endedAt: over ? at : null,
    cause: over ? phase.cause : null,
    usage: null,
    outMark: null,
    errMark: null,
    tail: null,
  }
  return { task: order.task, epoch: order.epoch, phase, runs: [run], version: over ? 2 : 1 }
}

export function report(brain: Brain, body: Report): void {
  const result = brain.handlers.report({ caller, params: {}, query: {}, body })
  if (result instanceof Promise || !result.ok) throw new Error(`the report of ${body.node} failed`)
}

/** Jobs and schedules as people think them up. */
import type { JobRequest } from '../../proto/job.ts'
import type { ScheduleRequest } from '../../proto/schedule.ts'
import { commandOf, type Behaviour } from './behaviour.ts'
import type { Random } from './random.ts'

function stubborn(random: Random): Behaviour {
  return {
    stopsAfterMs: random.chance(0.2) ? null : random.int(1, 3_000),
    stuckMs: random.chance(0.1) ? random.int(500, 4_000) : 0,
    leftoverMs: random.chance(0.2) ? random.int(100, 4_000) : 0,
  }
}

export function oneOff(
  random: Random,
  { token, isArray, after }: { token: string; isArray: boolean; after: number | null },
): JobRequest {
  const behaviour: Behaviour = {
    ...stubborn(random),
    endsAfterMs: random.int(10, 30_000),
    cause: { kind: 'exit', code: random.chance(0.3) ? 1 : 0 },
  }
  return {
    ...(after === null ? {} : { after: [{ job: String(after), on: 'any' as const }] }),
    command: commandOf(token, behaviour),
    cwd: '/home',
    name: 'task',
    kind: 'task',
    slots: random.int(1, 2),
    retry: random.int(0, 2),
    hold: random.chance(0.1),
    stop: { signal: 'SIGTERM', graceMs: random.int(100, 5_000) },
    ...(random.chance(0.1) ? { timeMs: random.int(1_000, 10_000) } : {}),
    ...(isArray ? { array: { from: 1, to: random.int(2, 12), step: 1 } } : {}),
    ...(isArray && random.chance(0.5) ? { maxRunning: random.int(1, 3) } : {}),
    ...(random.chance(0.2) ? { onPartition: 'stop' as const } : {}),
  }
}

export function bot(random: Random, token: string): JobRequest {
  const ends = random.chance(0.3) ? { endsAfterMs: random.int(100, 20_000) } : {}
  return {
    command: commandOf(token, { ...stubborn(random), ...ends }),
    cwd: '/home',
    name: `bot${random.int(1, 5)}`,
    kind: 'continuous',
    stop: { signal: 'SIGTERM', graceMs: random.int(100, 8_000) },
  }
}

export function schedule(random: Random, name: string, token: string): ScheduleRequest {
  return {
    name,
    expression: random.pick(['* * * * *', '*/2 * * * *', '1-59/3 * * * *']) ?? '* * * * *',
    tz: random.pick(['UTC', 'Europe/Berlin']) ?? 'UTC',
    overlap: random.pick(['forbid', 'queue', 'replace', 'allow'] as const) ?? 'forbid',
    catchUp: random.pick(['none', 'last', 'all'] as const) ?? 'none',
    job: {
      command: commandOf(token, { endsAfterMs: random.int(100, 90_000) }),
      cwd: '/home',
      kind: 'task',
    },
  }
}

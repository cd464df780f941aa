/** Bots: started again whenever they end, with the scheduler or without; one of a name; told when they are ill. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { JobDetail, Run } from '../../proto/job.ts'
import { isAlive, TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
beforeAll(async () => {
  grid = await TestGrid.start({ slots: 16 })
})
afterAll(() => grid.end())

const bot = (name: string, script: string, ...options: string[]) =>
  grid.submit('--continuous', '--name', name, ...options, '--', 'sh', '-c', script)

function runsOf({ tasks: [task] }: JobDetail): Run[] {
  return task && 'runs' in task ? (task.runs ?? []) : []
}

/** The bot's detail, once it has come to this run. */
const come = (job: number, number: number, timeoutMs = 40_000) =>
  until(
    async () => {
      const detail = await grid.show(job)
      return runsOf(detail).some((run) => run.number >= number && run.startedAt !== null)
        ? detail
        : null
    },
    { timeoutMs, everyMs: 150, what: `run ${number} of job ${job}` },
  )

describe('a bot that ends', () => {
  it('comes back with growing waits; a crash loop is shown; the record is complete', async () => {
    const job = await bot('crasher', 'echo run; exit 3')
    const loop = await until(
      async () => {
        const detail = await grid.show(job)
        return detail.crashLoop ? detail : null
      },
      { timeoutMs: 40_000, everyMs: 200, what: 'the crash loop' },
    )
    expect(loop).toMatchObject({
      state: 'backoff',
      reason: expect.stringMatching(/^crash loop: \d+ ends in a row, next run at/) as string,
    })
    expect(await grid.ok('jobs')).toMatch(/crasher +continuous +crash loop/)
    const runs = runsOf(loop)
    expect(runs.map(({ number }) => number)).toEqual(runs.map((_, at) => at + 1))
    for (const run of runs)
      expect(run).toMatchObject({ exitCode: 3, cause: { kind: 'exit', code: 3 } })
    const at = (time: string | null | undefined) => Date.parse(time ?? '')
    const waits = runs.slice(1).map((run, before) => at(run.startedAt) - at(runs[before]?.endedAt))
    expect(waits[0]).toBeGreaterThanOrEqual(500)
    expect(waits[0]).toBeLessThan(5_000)
    expect(waits.at(-1) ?? 0).toBeGreaterThan((waits[0] ?? 0) * 1.5)
    expect(loop.restarts).toBe(runs.length - 1)
    const ends = loop.timeline.filter(({ what }) => what === 'run-ended')
    expect(ends.map(({ detail }) => detail)).toEqual(
      runs.map(({ number }) => `run ${number} ended: exit 3`),
    )
    await grid.ok('stop', '--wait', String(job))
    expect(grid.text('crasher.out')).toBe('run\n'.repeat(runsOf(await grid.show(job)).length))
  })

  it('with on-failure is over when it went well', async () => {
    const job = await bot(
      'once',
      'if [ -e ran ]; then exit 0; fi; touch ran; exit 1',
      '--restart',
      'on-failure',
    )
    const { outcome, tasks } = await grid.finished(job)
    expect(outcome).toBe('succeeded')
    expect(tasks).toMatchObject([{ runs: [{ exitCode: 1 }, { exitCode: 0 }] }])
  })

  it('comes back while the scheduler is away, and its history is whole when that is back', async () => {
    const script = 'echo up >> away.log; sleep 0.3; exit 1'
    const job = await bot('survivor', script)
    await come(job, 1)
    const scheduler = grid.pidOf('scheduler')
    const lines = () => grid.text('away.log').split('\n').length - 1
    const up = grid.upPid
    process.kill(up, 'SIGSTOP')
    process.kill(scheduler, 'SIGKILL')
    const before = lines()
    await until(() => lines() >= before + 2, {
      timeoutMs: 30_000,
      what: 'two runs without a scheduler',
    })
    process.kill(up, 'SIGCONT')
    await until(async () => (await grid.eg('jobs')).status === 0, {
      timeoutMs: 30_000,
      what: 'the scheduler',
    })
    const told = await until(
      async () => {
        const runs = runsOf(await grid.show(job))
        return runs.length >= before + 2 ? runs : null
      },
      { everyMs: 200, what: 'the history' },
    )
    expect(told.map(({ number }) => number)).toEqual(told.map((_, at) => at + 1))
    for (const run of told.slice(0, -1)) expect(run).toMatchObject({ exitCode: 1 })
    await grid.ok('stop', '--wait', 'survivor')
  })
})

describe('a name', () => {
  it('is that of one bot at a time', async () => {
    const job = await bot('single', 'sleep 600')
    const second = await grid.eg('submit', '--continuous', '--name', 'single', '--', 'true')
    expect(second.status).toBe(1)
    expect(second.stderr).toContain(`your continuous job ${job} has the name "single"`)
    await grid.ok('stop', '--wait', 'single')
    const again = await bot('single', 'sleep 600')
    await grid.running(again)
    await grid.ok('stop', '--wait', String(again))
  })
})

describe('eg restart', () => {
  it('asks the run to end, and starts the next one at once', async () => {
    const job = await bot(
      'polite',
      'trap "echo bye; exit 0" TERM; echo hello; while :; do sleep 0.05; done',
    )
    const first = await grid.running(job)
    await until(() => grid.text('polite.out').includes('hello'))
    await grid.ok('restart', 'polite', '--why', 'new code')
    const second = await grid.running(job, 1)
    expect(second.number).toBe(2)
    expect(isAlive(first.pid)).toBe(false)
    expect(grid.text('polite.out')).toMatch(/^hello\nbye\n/)
    expect(runsOf(await grid.show(job))[0]?.cause).toMatchObject({
      kind: 'restarted',
      why: 'new code',
    })
    await grid.ok('stop', '--wait', 'polite')
  })
})

describe('health', () => {
  const checked = ['--check-interval', '1s', '--check-timeout', '1s', '--check-threshold', '2']

  it('--check-command, --check-http and --silence restart what is ill', async () => {
    let answers = 200
    const server = createServer((_, reply) => {
      reply.writeHead(answers).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/alive`
    const sick = join(grid.work, 'sick')
    const [command, http, silent] = await Promise.all([
      bot('checked', 'sleep 600', '--check-command', 'test ! -e sick', ...checked),
      bot('asked', 'sleep 600', '--check-http', url, ...checked),
      bot('silent', 'echo once; sleep 600', '--silence', '2s'),
    ])
    const [first] = await Promise.all([grid.running(command), grid.running(http)])
    writeFileSync(sick, '')
    answers = 500
    const [byCommand, byHttp, bySilence] = await Promise.all([
      come(command, 2),
      come(http, 2),
      come(silent, 2),
    ])
    rmSync(sick)
    answers = 200
    server.close()
    expect(isAlive(first.pid)).toBe(false)
    const causes = [byCommand, byHttp, bySilence].map((detail) => runsOf(detail)[0]?.cause)
    expect(causes[0]).toMatchObject({
      kind: 'unhealthy',
      detail: expect.stringContaining('2 failures in a row') as string,
    })
    expect(causes[1]).toMatchObject({
      kind: 'unhealthy',
      detail: expect.stringContaining('500') as string,
    })
    expect(causes[2]).toMatchObject({ kind: 'unhealthy', check: 'silence' })
    await grid.ok('stop', '--yes', '--wait', '--all')
  })
})

describe('what a bot uses', () => {
  it('is told while it runs', async () => {
    const script = 'x = bytearray(b"x" * (40 << 20)); import time\nwhile True: time.sleep(0.1)'
    const job = await grid.submit('--continuous', '--name', 'eater', '--', 'python3', '-c', script)
    const usage = await until(
      async () => {
        const run = runsOf(await grid.show(job))[0]
        return (run?.usage?.memBytes ?? 0) > 40 * 2 ** 20 ? run?.usage : null
      },
      { timeoutMs: 40_000, everyMs: 500, what: 'its usage' },
    )
    expect(usage?.cpuMs).toBeGreaterThan(0)
    expect(await grid.ok('show', 'eater')).toMatch(/MEM +PEAK/)
    await grid.ok('stop', '--wait', 'eater')
  })
})

describe('the agent', () => {
  it('adopts a bot after its death: the same process, and it still ends it', async () => {
    const job = await bot('adopted', 'sleep 600')
    const before = await grid.running(job)
    const agent = grid.pidOf('node1')
    process.kill(agent, 'SIGKILL')
    const file = join(grid.data, 'node1', 'exec-node.pid')
    await until(() => Number(readFileSync(file, 'utf8')) !== agent, { what: 'a new agent' })
    await grid.ok('restart', 'adopted')
    const after = await grid.running(job, before.number)
    expect([after.number, isAlive(before.pid)]).toEqual([before.number + 1, false])
    await grid.ok('stop', '--wait', 'adopted')
  })
})

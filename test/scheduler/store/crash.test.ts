/** What a killed scheduler leaves: everything it acknowledged, nothing by half, and no lock. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { expect, onTestFinished, test } from 'vitest'

import { openEngine, type Fault } from '../../../scheduler/store/engine.ts'
import { inThreadStore, storeOn } from '../../../scheduler/store/in-thread-store.ts'
import { openStore } from '../../../scheduler/store/worker-store.ts'
import { submitChanges } from '../../support/store-rows.ts'
import { until } from '../../support/wait.ts'
import { databasePath } from './place.ts'

function startChild(path: string, from: number) {
  const program = fileURLToPath(new URL('committing-child.ts', import.meta.url))
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', program, path, String(from)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  child.stdout!.on('data', (data: Buffer) => (printed += data.toString()))
  const acknowledged = () => printed.slice(0, printed.lastIndexOf('\n') + 1).match(/\d+/g) ?? []
  return { child, acknowledged: () => acknowledged().map(Number) }
}

test('kill -9 during commits loses nothing acknowledged and leaves nothing by half', async () => {
  const path = databasePath()
  const all: number[] = []
  for (const round of [1, 2, 3]) {
    const { child, acknowledged } = startChild(path, round * 1_000_000)
    await until(() => acknowledged().length > 100 * round, { what: 'commits' })
    await expect(openStore(path)).rejects.toMatchObject({ kind: 'locked' })
    child.kill('SIGKILL')
    await once(child, 'close')
    all.push(...acknowledged())

    const store = await openStore(path, { reserveBytes: 0 })
    const { jobs, tasks } = await store.load()
    const ids = jobs.map(({ id }) => id)
    expect(all.filter((id) => !new Set(ids).has(id))).toEqual([])
    expect(tasks.map(({ job }) => job)).toEqual(ids)
    const events = await store.query('eventsAfter', { id: 0, limit: 1_000_000, job: null })
    expect(events).toHaveLength(2 * ids.length)
    await store.close()
  }
})

test('two stores on one database: the second is refused, in words', async () => {
  const path = databasePath()
  const first = await openStore(path, { reserveBytes: 0 })
  await expect(openStore(path)).rejects.toThrow(/another scheduler is running/)
  expect(() => inThreadStore(path)).toThrow(/another scheduler is running/)
  await first.commit(submitChanges(1))
  const reader = await openStore(path, { readOnly: true })
  expect((await reader.load()).jobs).toHaveLength(1)
  await reader.close()
  await first.close()
  const second = await openStore(path, { reserveBytes: 0 })
  await second.close()
})

test('a crash inside a commit undoes it; one after it does not', async () => {
  const engine = openEngine(':memory:')
  onTestFinished(() => engine.close())
  for (const [point, id, kept] of [
    ['before', 1, []],
    ['inside', 2, []],
    ['after', 3, [3]],
  ] as const) {
    const crash: Fault = (at) => {
      if (at === point) throw new Error('crash')
    }
    const store = storeOn(engine, crash)
    await expect(store.commit(submitChanges(id))).rejects.toThrow('crash')
    await expect(store.commit([])).rejects.toThrow('crash')
    const { jobs } = await storeOn(engine).load()
    expect(jobs.map(({ id }) => id)).toEqual(kept)
  }
})

test('a closed store refuses, and closes twice', async () => {
  const store = await openStore(databasePath(), { reserveBytes: 0 })
  await store.close()
  await until(async () => {
    await expect(store.commit([])).rejects.toMatchObject({ kind: 'failed' })
    return true
  })
  await store.close()
})

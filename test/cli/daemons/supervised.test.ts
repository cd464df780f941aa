import { spawn } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { LogLines } from '../../../src/cli/daemons/log-lines.ts'
import { supervise, type Supervised } from '../../../src/cli/daemons/supervised.ts'
import { until } from '../../support/wait.ts'

let folder: string
let running: Supervised[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eg-supervised-'))
  running = []
})
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()))
  rmSync(folder, { recursive: true, force: true })
})

/** A daemon of which each start is a script of its own; the last one serves for those after it. */
function daemon(...scripts: string[]) {
  const said: string[] = []
  const logFile = join(folder, 'log')
  writeFileSync(logFile, 'ready before\n')
  let starts = 0
  const start = (log: number) => {
    const script = scripts[Math.min(starts, scripts.length - 1)] ?? ''
    starts += 1
    return spawn('/bin/sh', ['-c', script], { stdio: ['ignore', log, log] })
  }
  const supervised = supervise({ name: 'node1', logFile, start }, (line) => said.push(line))
  running.push(supervised)
  return { ready: supervised.ready, said }
}

test('a signal ends no wait for ready, and what a daemon waits for is said', async () => {
  const { ready, said } = daemon(
    'echo "eg: waiting for the scheduler at x: nothing listens there"; echo "{}"; kill -9 $$',
    'echo "eg: the scheduler at x refuses this node, which tries again: two"; echo ready there; exec sleep 1000',
  )
  expect(await ready).toBe('there')
  expect(said).toEqual([
    'node1: waiting for the scheduler at x: nothing listens there',
    'node1 ended (SIGKILL); it starts again in 500ms',
    'node1: the scheduler at x refuses this node, which tries again: two',
  ])
})

test('an exit status before ready ends the wait with the last lines, also after a signal', async () => {
  const failing = 'echo one; echo two; echo three; echo four; exit 3'
  const text = 'node1 could not start (exit 3): two\n    three\n    four'
  await expect(daemon(failing).ready).rejects.toThrow(text)
  await expect(daemon('kill -9 $$', failing).ready).rejects.toThrow(text)
})

test('one that is stopped while it waits is over', async () => {
  const { ready } = daemon('exec sleep 1000')
  await running[0]?.stop()
  await expect(ready).rejects.toThrow('node1 could not start (SIGTERM)')
})

test('one that is killed for good is not said to start again', async () => {
  const { ready, said } = daemon('echo ready $$; exec sleep 1000')
  const pid = await ready
  running[0]?.killNow()
  await until(() => !existsSync(`/proc/${pid}`))
  await running[0]?.stop()
  expect(said).toEqual([])
})

test('a log gives each line once, when it is whole, and begins anew when it is cut short', () => {
  const path = join(folder, 'lines')
  const lines = new LogLines(path, 4)
  expect(lines.next()).toEqual([])
  const euro = Buffer.from('€')
  writeFileSync(path, Buffer.concat([Buffer.from('old\none\n'), euro.subarray(0, 1)]))
  expect(lines.next()).toEqual(['one'])
  appendFileSync(path, euro.subarray(1))
  expect(lines.next()).toEqual([])
  appendFileSync(path, '\n\nlast\n')
  expect(lines.next()).toEqual(['€', '', 'last'])
  truncateSync(path)
  appendFileSync(path, 'new\n')
  expect(lines.next()).toEqual(['new'])
})

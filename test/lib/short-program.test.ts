import { expect, it } from 'vitest'

import { runProgram } from '../../src/lib/short-program.ts'

it('tells what a program said, and how it ended', async () => {
  const script = 'echo out; echo err >&2; exit 3'
  const ran = await runProgram('sh', ['-c', script], { timeoutMs: 60_000 })
  if (ran.kind === 'late') throw new Error('it was late')
  expect([String(ran.stdout), String(ran.stderr), ran.error?.code]).toEqual(['out\n', 'err\n', 3])
})

it('answers in time for what takes no signal but SIGKILL', async () => {
  const ran = await runProgram('sh', ['-c', 'kill -STOP $$'], { timeoutMs: 500 })
  expect(ran.kind).toBe('late')
  if (ran.kind === 'late') await ran.gone
})

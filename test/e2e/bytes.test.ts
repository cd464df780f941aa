/** No text of a job is taken for anything but what it is: from the API down to the process, byte for byte. */
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'

import '../support/fixed-seed.ts'
import { TestGrid } from '../support/grid.ts'

let grid: TestGrid

beforeAll(async () => {
  grid = await TestGrid.start()
})
afterAll(() => grid.end())

async function call(path: string, body?: object): Promise<{ status: number; body: unknown }> {
  const secret = readFileSync(join(grid.data, 'scheduler', 'secret'), 'utf8').trim()
  const reply = await fetch(`${grid.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: reply.status, body: await reply.json() }
}

/** Every code point but NUL, and those that shells, paths, SQL, JSON and terminals make something of. */
const character = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...Array.from('\'"`$\\;|&<>(){}[]*?!#~=%-/ \n\r\t\u001b\u0007\ufeff\u202e'),
    ),
  },
)
const text = fc.array(character, { maxLength: 40 }).map((all) => all.join('').replaceAll('\0', ''))
const isFileName = (name: string) => !name.includes('/') && !/^\.{0,2}$/.test(name)
const fileName = text.filter((name) => isFileName(name) && Buffer.byteLength(name) < 200)
/** What is between `$` and a name stands for something in --out, as it does in Grid Engine. */
const outName = fileName.filter((name) => !/[$%]/.test(name))
const variable = text.filter((name) => name !== '' && !name.includes('='))

const job = fc.record({
  args: fc.array(text, { maxLength: 8 }),
  env: fc.array(fc.tuple(variable, text), { maxLength: 8 }),
  folder: fileName,
  out: outName,
})

test('what a process finds in argv, in its environment and on the disk is what was submitted', async () => {
  let count = 0
  const property = fc.asyncProperty(job, async ({ args, env, folder, out }) => {
    count += 1
    const cwd = join(grid.work, `${count}${folder}`)
    await mkdir(cwd)
    const program = ['/bin/sh', '-c', 'cat /proc/$$/cmdline /proc/$$/environ', 'sh']
    const spec = {
      command: [...program, ...args],
      env: Object.fromEntries(env),
      cwd,
      out,
      err: 'err',
    }
    const sent = await call('/v1/jobs', { ...spec, name: 'fuzzed' })
    expect(sent, JSON.stringify(spec)).toMatchObject({ status: 200 })
    const { job: id } = sent.body as { job: number }
    const { outcome, spec: kept } = await grid.finished(id)
    expect([outcome, kept]).toMatchObject(['succeeded', spec])
    const seen = readFileSync(join(cwd, out))
    const argv = Buffer.from(spec.command.map((word) => `${word}\0`).join(''))
    expect(seen.subarray(0, argv.length).equals(argv), JSON.stringify(args)).toBe(true)
    const found = new Set(seen.subarray(argv.length).toString('latin1').split('\0'))
    for (const [name, value] of Object.entries(spec.env))
      expect(found, JSON.stringify([name, value])).toContain(
        Buffer.from(`${name}=${value}`).toString('latin1'),
      )
  })
  await fc.assert(property, { numRuns: 25 })
})

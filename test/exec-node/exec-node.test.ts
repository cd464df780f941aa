import { mkdtemp, readFile, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

import { afterEach, expect, it } from 'vitest'

import { startExecNode, type ExecNode } from '../../exec-node/exec-node.ts'
import type { Order, PlacementReport, Report } from '../../proto/sync.ts'
import { until } from '../support/wait.ts'
import { order } from './grid.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** As little of a scheduler as an exec-node can be run against, over real HTTP. */
async function tinyScheduler(
  orders: Order[],
  refuses: (report: Report) => 'wrong-grid' | 'node-refused' | null = () => null,
) {
  const placements = new Map<string, PlacementReport>()
  const heard: Report[] = []
  const seenSecrets = new Set<string | undefined>()
  const server = http.createServer((request, response) => {
    seenSecrets.add(request.headers.authorization)
    if (request.url?.startsWith('/v1/node/orders')) {
      const revision = { incarnation: 1, counter: 1 }
      response.writeHead(200)
      response.write(`${JSON.stringify({ kind: 'full', grid: 'g', revision, orders })}\n`)
      return
    }
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const report = JSON.parse(Buffer.concat(parts).toString()) as Report
      heard.push(report)
      const code = refuses(report)
      if (code !== null) {
        const hint = 'give another --name'
        response.writeHead(409).end(JSON.stringify({ code, detail: 'taken', hint }))
        return
      }
      const answers = report.placements.map((placement) => {
        placements.set(placement.task, placement)
        const { task, epoch, version, phase } = placement
        return { task, epoch, version, then: phase.kind === 'ended' ? 'forget' : 'keep' }
      })
      const reply = { grid: 'g', incarnation: 1, terms: null, wantFull: false, answers }
      response.end(JSON.stringify(reply))
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  undo.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, placements, heard, seenSecrets }
}

async function folders() {
  const base = await mkdtemp(join(tmpdir(), 'evergrid-test-'))
  undo.push(() => rm(base, { recursive: true, force: true }))
  return { base, secret: 'the-secret', dataDir: join(base, 'node') }
}

const me = userInfo().username
const quick = { kind: 'task', onPartition: 'keep' } as const

it('runs a task for real: output, environment, exit status, nothing left', async () => {
  const { base, secret, dataDir } = await folders()
  const script =
    'echo "$JOB_ID $TASK_ID $NSLOTS $RESTARTED"; test -d "$TMPDIR"; echo oops >&2; exit 3'
  const command = ['/bin/sh', '-c', script]
  const env = { KEEP: '1' }
  const scheduler = await tinyScheduler([
    order(7, { owner: me }, { ...quick, name: 'hello', cwd: base, command, env }),
  ])
  const options = { url: scheduler.url, name: 'node1', dataDir, secret }
  const node: ExecNode = await startExecNode(options)
  undo.push(() => node.stop())
  await expect(startExecNode(options)).rejects.toThrow(/in use by the exec-node/)
  const ended = await until(() => {
    const placement = scheduler.placements.get('7.1')
    return placement?.phase.kind === 'ended' ? placement : null
  })
  expect(ended.phase).toEqual({ kind: 'ended', cause: { kind: 'exit', code: 3 } })
  expect(Buffer.from(ended.runs[0]?.tail?.err ?? '', 'base64').toString()).toBe('oops\n')
  expect(await readFile(join(base, 'hello.o7'), 'utf8')).toBe('7 undefined 1 0\n')
  expect(await readFile(join(dataDir, 'exec-node.pid'), 'utf8')).toBe(`${process.pid}\n`)
  expect([...scheduler.seenSecrets]).toEqual(['Bearer the-secret'])
  await until(() => scheduler.heard.at(-1)?.placements.length === 0)
})

it('lets jobs run on when it stops, and adopts them when it starts', async () => {
  const { base, secret, dataDir } = await folders()
  const run = order(8, { owner: me }, { cwd: base, command: ['/bin/sleep', '1000'] })
  const orders = [run]
  const scheduler = await tinyScheduler(orders)
  const options = { url: scheduler.url, name: 'node1', dataDir, secret, reportMs: 200 }
  const first = await startExecNode(options)
  await until(() => scheduler.placements.get('8.1')?.phase.kind === 'running')
  const pid = scheduler.placements.get('8.1')?.runs[0]?.pid ?? 0
  expect(await first.stop()).toEqual({ running: 1 })
  expect(process.kill(pid, 0)).toBe(true)
  const cause = { kind: 'cancelled', by: me, why: 'test' } as const
  const second = await startExecNode(options)
  undo.push(() => second.stop())
  await until(() => scheduler.heard.at(-1)?.sequence === 3)
  expect(process.kill(pid, 0)).toBe(true)
  await second.stop()
  orders[0] = { ...run, want: { kind: 'stop', cause, graceMs: 1_000 } }
  const third = await startExecNode(options)
  undo.push(() => third.stop())
  await until(() => scheduler.placements.get('8.1')?.phase.kind === 'ended')
  expect(scheduler.placements.get('8.1')?.phase).toEqual({ kind: 'ended', cause })
  await until(() => scheduler.heard.at(-1)?.placements.length === 0)
})

it('is taken with its first report, refused with its second refusal, waits for its name, and goes on for what is here', async () => {
  const { base, secret, dataDir } = await folders()
  const run = order(9, { owner: me }, { cwd: base, command: ['/bin/sleep', '1000'] })
  const orders = [run]
  const says: { code: 'wrong-grid' | 'node-refused' | null } = { code: 'wrong-grid' }
  const scheduler = await tinyScheduler(orders, () => says.code)
  const sentences: string[] = []
  const tell = (sentence: string) => sentences.push(sentence)
  const options = { url: scheduler.url, name: 'node1', dataDir, secret, reportMs: 200, tell }
  const first = await startExecNode(options)
  expect(await first.taken).toMatchObject({ code: 'wrong-grid', hint: 'give another --name' })
  expect(scheduler.heard).toHaveLength(2)
  await first.stop()
  says.code = 'node-refused'
  const second = await startExecNode(options)
  await until(() => sentences.length === 1)
  expect(sentences.splice(0)[0]).toContain('tries again: taken; give another --name')
  says.code = null
  expect(await second.taken).toBe(null)
  await until(() => scheduler.placements.get('9.1')?.phase.kind === 'running')
  await second.stop()
  expect(sentences).toEqual([])
  says.code = 'wrong-grid'
  const third = await startExecNode(options)
  undo.push(() => third.stop())
  await until(() => sentences.length === 1)
  expect(sentences[0]).toContain('goes on for what is here: taken; give another --name')
  says.code = null
  expect(await third.taken).toBe(null)
  const heard = scheduler.heard.length
  await until(() => scheduler.heard.length > heard)
  const cause = { kind: 'cancelled', by: me, why: 'test' } as const
  await third.stop()
  orders[0] = { ...run, want: { kind: 'stop', cause, graceMs: 1_000 } }
  const last = await startExecNode(options)
  undo.push(() => last.stop())
  await until(() => scheduler.placements.get('9.1')?.phase.kind === 'ended')
  await until(() => scheduler.heard.at(-1)?.placements.length === 0)
})

/** `eg stop --wait` and `eg down --stop-jobs` of what runs on nodes and the scheduler's database does not know. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'

import type { NodeView } from '../../proto/node.ts'
import { identityOf } from '../../src/cli/daemons/process-identity.ts'
import { eg } from '../support/eg.ts'
import { fakeApi, ownDataFolder, type FakeApi } from '../support/fake-api.ts'
import { nodeView } from '../support/samples.ts'

type Runs = NodeView['unknownRuns']
let api: FakeApi
let data: ReturnType<typeof ownDataFolder>
/** What each look at the nodes is answered; the last one again and again. */
let looks: NodeView[][]
const run = (argv: string[]) => eg(argv, { url: api.url })
const looked = () => api.heard.filter(({ name }) => name === 'listNodes').length
const bodyOf = (name: string) => api.heard.findLast((heard) => heard.name === name)?.body

const detail = 'told to stop by root'
const placed = (task: string, epoch = 1) => ({ task, epoch, detail })
const node = (name: string, unknownRuns: Runs = [], some: Partial<NodeView> = {}) =>
  nodeView({ name, unknownRuns, ...some })
const reply = (job: number, task: number | null) => ({ job, task, name: '', detail: 'stopping' })

/** What is done after some time, at once. */
function inHaste(): void {
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(100))
}

beforeEach(async () => {
  data = ownDataFolder()
  looks = []
  api = await fakeApi({
    listJobs: () => ({ jobs: [], next: null }),
    listNodes: () => ({ nodes: looks.length > 1 ? looks.shift() : looks[0] }),
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await api.close()
  data.remove()
})

describe('eg stop --wait', () => {
  test('waits for what the stop has meant, and tells of what came since', async () => {
    api.handlers.stopJobs = () => ({ done: [reply(67, 1)], refused: [] })
    const newer = node('n2', [placed('67.1', 2)])
    looks = [
      [node('n1', [placed('67.1')])],
      [node('n1', [placed('67.1')]), newer],
      [node('n1'), newer],
    ]
    expect(await run(['stop', '--wait', '67.1'])).toMatchObject({
      status: 0,
      out: 'job 67.1: stopping\n',
      err: 'eg: 67.1 on n2 was not told of when this stop was asked for, and goes on\n',
    })
  })

  test('a run without a record is the one that its placement was', async () => {
    api.handlers.stopJobs = () => ({ done: [reply(67, null)], refused: [] })
    const left = node('n1', [{ task: '67.1.3.1', epoch: 3, detail }])
    looks = [[node('n1', [placed('67.1', 3)])], [left], [node('n1')]]
    expect(await run(['stop', '--wait', '67'])).toMatchObject({ status: 0, err: '' })
    expect(looked()).toBe(3)
  })

  test('all that is waited for is asked about at once', async () => {
    const tasks = Array.from({ length: 50 }, (_, at) => `67.${at + 1}`)
    api.handlers.stopJobs = () => ({ done: tasks.map((_, at) => reply(67, at + 1)), refused: [] })
    const there = node(
      'n1',
      tasks.map((task) => placed(task)),
    )
    looks = [[there], [there], [node('n1')]]
    expect((await run(['stop', '--wait', ...tasks])).status).toBe(0)
    expect(looked()).toBe(3)
  })

  test('says after a while what it waits for, and where', async () => {
    inHaste()
    api.handlers.stopJobs = () => ({ done: [reply(67, 1)], refused: [] })
    const silent = [node('n1', [placed('67.1')], { state: 'silent' })]
    looks = [silent, silent, silent, [node('n1')]]
    expect(await run(['stop', '--wait', '67.1'])).toMatchObject({
      status: 0,
      err: 'eg: this waits for 67.1 on n1, which is silent\n',
    })
  })

  test('a scheduler that has just started again has not heard yet what goes on', async () => {
    api.handlers.stopJobs = () => ({ done: [reply(67, 1)], refused: [] })
    const there = [node('n1', [placed('67.1')])]
    looks = [there, [node('n1', [], { state: 'joining' })], there, [node('n1')]]
    expect((await run(['stop', '--wait', '67.1'])).status).toBe(0)
    expect(looked()).toBe(4)
  })
})

describe('eg down --stop-jobs', () => {
  /** As `eg up` would have it: its grid is the fake one. */
  async function down() {
    const up = spawn('sleep', ['600'])
    onTestFinished(() => void up.kill('SIGKILL'))
    await once(up, 'spawn')
    const identity = identityOf(up.pid ?? 0)
    writeFileSync(join(data.folder, 'up.json'), JSON.stringify({ ...identity, url: api.url }))
    const ran = await run(['down', '--stop-jobs', '--data', data.folder])
    expect(ran).toMatchObject({ status: 0, out: `the grid in ${data.folder} is down\n` })
    return ran.err
  }

  test('waits for what ends, and not for what nobody hears', async () => {
    api.handlers.stopJobs = () => ({ done: [reply(67, 1), reply(68, 1)], refused: [] })
    const silent = node('n2', [placed('68.1')], { state: 'silent' })
    looks = [
      [node('n1', [placed('67.1')]), silent],
      [node('n1', [placed('67.1')]), silent],
      [node('n1'), silent],
    ]
    expect(await down()).toBe(
      'eg: 1 unknown run to end\n' +
        'eg: 1 run of no live job is left on its node:\n' +
        `eg:   68.1 on n2, which is silent: ${detail}\n`,
    )
    expect(bodyOf('stopJobs')).toEqual({ jobs: ['67.1', '68.1'], why: 'eg down --stop-jobs' })
  })

  test('what does not end within its grace is told', async () => {
    inHaste()
    api.handlers.stopJobs = () => ({ done: [reply(67, 1)], refused: [] })
    looks = [[node('n1', [placed('67.1')])]]
    expect(await down()).toBe(
      'eg: 1 unknown run to end\n' +
        'eg: 1 run of no live job is left on its node:\n' +
        `eg:   67.1 on n1: ${detail}\n`,
    )
  })

  test('a refusal is told, and what no stop can name', async () => {
    const refused = [{ ref: '17.1', code: 'wrong-state', detail: 'job 17 has finished' }]
    api.handlers.stopJobs = () => ({ done: [], refused })
    const odd = { task: '17.1.1.1', epoch: 1, detail: 'damaged record' }
    looks = [[node('n1', [odd, { task: 'what', epoch: 0, detail: 'odd' }])]]
    expect(await down()).toBe(
      'eg: 17.1: job 17 has finished\n' +
        'eg: 2 runs of no live job are left on their nodes:\n' +
        'eg:   17.1.1.1 on n1: damaged record\n' +
        'eg:   what on n1: odd\n',
    )
    expect(bodyOf('stopJobs')).toMatchObject({ jobs: ['17.1'] })
  })
})

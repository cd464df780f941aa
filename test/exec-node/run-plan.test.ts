import { hostname } from 'node:os'

import { describe, expect, it } from 'vitest'

import { outputPlan } from '../../exec-node/file-names.ts'
import { planner, planRun } from '../../exec-node/run-plan.ts'
import { oneOff, order } from './grid.ts'

const identity = {
  user: 'alice',
  uid: 1,
  gid: 1,
  groups: [],
  home: '/home/alice',
  shell: '/bin/sh',
}
const options = {
  url: 'http://x',
  tmpRoot: '/tmp',
  privateTmp: false,
  openFiles: 10,
  randomName: () => 'abc',
}
const array = { from: 1, to: 9, step: 2 }

describe('output files', () => {
  const host = hostname()
  it.each([
    ['a task', oneOff, '/home/alice/bot.o17', '/home/alice/bot.e17'],
    ['an array task', { ...oneOff, array }, '/home/alice/bot.o17.3', '/home/alice/bot.e17.3'],
    ['a continuous job', {}, '/home/alice/bot.out', '/home/alice/bot.err'],
    ['relative names', { out: 'log/o', err: '../e' }, '/home/alice/log/o', '/home/e'],
    ['one file for both', { out: '/x', err: '/x' }, '/x', '/x'],
    [
      'variables',
      { out: '$HOME/$JOB_NAME.$JOB_ID', err: '${USER}-$TASK_ID' },
      '/home/alice/bot.17',
      '/home/alice/alice-undefined',
    ],
    [
      'what is no variable stays',
      { out: '$JOB_IDX', err: '$HOSTNAME' },
      '/home/alice/$JOB_IDX',
      `/home/alice/${host}`,
    ],
    ['nothing', { out: '/dev/null', err: '/dev/null' }, '/dev/null', '/dev/null'],
  ])('%s', (_, change, out, err) => {
    expect(outputPlan(order(17, { index: 3 }, change), identity)).toMatchObject({ out, err })
  })
  it('of what never ends is a log with bounds', () => {
    expect(outputPlan(order(17), identity)).toMatchObject({ kind: 'log', keep: 3 })
    expect(outputPlan(order(17, {}, oneOff), identity).kind).toBe('files')
  })
})

describe('the plan of a run', () => {
  it('puts the path of its script into the command, and the hosts of a parallel environment into a file', () => {
    const spec = { command: ['/bin/sh', '$JOB_SCRIPT', '$JOB_SCRIPT.x'], script: 'true', slots: 3 }
    const env = { PE: 'smp', QUEUE: 'all.q' }
    const plan = planRun(order(17, {}, { ...oneOff, ...spec, env }), 1, identity, options)
    const [script, hosts] = ['.job-script', '.pe-hostfile'].map((name) => `${plan.tmpDir}/${name}`)
    expect(plan.argv).toEqual(['/bin/sh', script, '$JOB_SCRIPT.x'])
    expect(plan.env).toMatchObject({ JOB_SCRIPT: script, PE_HOSTFILE: hosts, QUEUE: 'all.q' })
    const host = hostname()
    expect(plan.files).toEqual([
      { path: script, text: 'true' },
      { path: hosts, text: `${host} 3 all.q@${host} UNDEFINED\n` },
    ])
  })

  it('says /tmp where that is TMPDIR to the run, and writes its files where they lie for us', () => {
    const spec = { command: ['sh', '$JOB_SCRIPT'], script: 'true', env: { PE: 'smp' } }
    const own = { ...options, privateTmp: true }
    const plan = planRun(order(17, {}, { ...oneOff, ...spec }), 1, identity, own)
    expect(plan).toMatchObject({ privateTmp: true, argv: ['sh', '/tmp/.job-script'] })
    expect(plan.files.map(({ path }) => path)).toContain(`${plan.tmpDir}/.job-script`)
    const seen = { TMPDIR: '/tmp', TMP: '/tmp', JOB_SCRIPT: '/tmp/.job-script' }
    expect(plan.env).toMatchObject({ ...seen, PE_HOSTFILE: '/tmp/.pe-hostfile' })
  })

  it('carries what Grid Engine would, over what the owner said', () => {
    const env = { PATH: '/mine', JOB_ID: 'lie', FOO: 'a=b\n' }
    const plan = planRun(order(17, {}, { ...oneOff, env, slots: 2 }), 2, identity, options)
    expect(plan.key).toBe('17.1.1.2')
    expect(plan.tmpDir).toBe('/tmp/evergrid-17.1.2-abc')
    expect(plan.env).toMatchObject({
      PATH: '/mine',
      FOO: 'a=b\n',
      JOB_ID: '17',
      TASK_ID: 'undefined',
      SGE_TASK_ID: 'undefined',
      NSLOTS: '2',
      TMPDIR: plan.tmpDir,
      RESTARTED: '1',
      USER: 'alice',
      EVERGRID_RUN: '17.1.1.2',
    })
    expect(plan.limits.cpuWeight).toBe(2048)
    expect(plan.singleCopy).toBe(false)
  })
  it('tells the bounds of an array', () => {
    const plan = planRun(order(17, { index: 3 }, { ...oneOff, array }), 1, identity, options)
    expect(plan.env).toMatchObject({ TASK_ID: '3', SGE_TASK_LAST: '9', SGE_TASK_STEPSIZE: '2' })
  })
  it('says to a schedule’s job when it was due, whatever its owner said, and to no other', () => {
    const dueAt = Date.parse('2026-03-29T01:30:00Z')
    const env = { EVERGRID_DUE_AT: 'lie' }
    const due = planRun(order(17, { dueAt }, { ...oneOff, env }), 1, identity, options)
    expect(due.env['EVERGRID_DUE_AT']).toBe('2026-03-29T01:30:00.000Z')
    const plain = planRun(order(17, {}, oneOff), 1, identity, options)
    expect(plain.env).not.toHaveProperty('EVERGRID_DUE_AT')
  })
  it('an owner that the machine does not know cannot start', async () => {
    const lookUp = async () =>
      ({ ok: false, error: 'unknown-user', detail: 'no such user' }) as const
    const planned = await planner({ ...options, lookUp })(order(1), 1)
    expect(planned).toMatchObject({
      ok: false,
      cause: { kind: 'could-not-start', call: 'getpwnam' },
    })
  })
  it('without a secret that cannot be decrypted nothing starts', async () => {
    const lookUp = async () => ({ ok: true, identity }) as const
    const planOf = (env: Record<string, string>) =>
      planner({ ...options, lookUp })({ ...order(17, {}, { env }), secrets: ['TOKEN'] }, 1)
    expect(await planOf({ TOKEN: '' })).toMatchObject({ ok: true, plan: { env: { TOKEN: '' } } })
    expect(await planOf({})).toMatchObject({
      ok: false,
      cause: {
        kind: 'could-not-start',
        call: 'secret',
        detail: expect.stringContaining('eg edit --secret-env TOKEN 17') as string,
      },
    })
  })
  it('a name service that does not answer says nothing about the run', async () => {
    const lookUp = async () => ({ ok: false, error: 'lookup-failed', detail: 'no answer' }) as const
    const planned = await planner({ ...options, lookUp })(order(1), 1)
    expect(planned).toEqual({ ok: false, cause: null, detail: 'alice: no answer' })
  })
})

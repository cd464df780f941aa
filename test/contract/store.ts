/** What every store must do, whatever stands behind the door: run against each of them. */
import { expect, test } from 'vitest'

import type { Change, JobRow } from '../../scheduler/store/change.ts'
import type { AuditFilter, FinishedFilter, Store } from '../../scheduler/store/store.ts'
import {
  auditRow,
  eventRow,
  finishedJobRow,
  firingRow,
  jobRow,
  runRow,
  submitChanges,
  taskRow,
} from '../support/store-rows.ts'

const anyFinished: FinishedFilter = {
  owner: null,
  kind: null,
  name: null,
  schedule: null,
  before: null,
  limit: 100,
}
const withoutSpec = (row: JobRow): Omit<JobRow, 'specJson'> => {
  const { specJson: _, ...rest } = row
  return rest
}
const runOf = (index: number, epoch: number, number: number) => runRow(1, { index, epoch, number })
const allAudit: AuditFilter = {
  reader: null,
  by: null,
  owner: null,
  what: null,
  about: null,
  job: null,
  since: null,
  until: null,
  before: null,
  limit: 100,
}
const never = { finishedAt: 0, eventAt: 0, auditAt: 0, replyAt: 0, now: 0 }

/** `open` gives an empty store; `reopen` closes it and gives what a restarted scheduler finds. */
export function storeContract(open: () => Promise<{ store: Store; reopen: () => Promise<Store> }>) {
  test('an empty store loads empty', async () => {
    const { store } = await open()
    expect(await store.load()).toEqual({
      meta: {},
      newestJob: 0,
      newestEvent: 0,
      newestAudit: 0,
      jobs: [],
      ranges: [],
      tasks: [],
      nodes: [],
      schedules: [],
      crontabs: [],
      quotas: [],
      queues: [],
      resources: [],
      shares: [],
      firingsAtCursor: [],
      replies: [],
      tokens: [],
      roles: [],
      apiTokens: [],
      sharing: [],
      joinTokens: [],
      nodeKeys: [],
    })
  })

  test('every field of every row comes back as it was put, also after a restart', async () => {
    const { store, reopen } = await open()
    const job = jobRow(7, { startedAt: 5, schedule: 'nightly', dueAt: 99, causeJson: '{"x":1}' })
    const task = taskRow(7, 3, { state: 'running', node: 'node1', epoch: 2, dataJson: '{"a":"é"}' })
    const range = { job: 7, from: 4, to: 1_000_000 }
    const run = runRow(7, {
      index: 3,
      epoch: 2,
      endedAt: 9,
      usageJson: '{}',
      outputJson: '{"o":1}',
    })
    const event = eventRow(1, { job: 7, task: 3, node: 'n', schedule: 's', owner: 'o', by: 'b' })
    const node = { name: 'node1', dataJson: '{"cordoned":true}' }
    const share = { owner: 'anna', average: 1.5, at: 7 }
    const queue = { name: 'fast', dataJson: '{}' }
    const resource = { name: 'lock', dataJson: '{}' }
    const quota = { subject: 'owner:anna', dataJson: '{}' }
    const schedule = { owner: 'anna', name: 'nightly', cursorAt: 5, specJson: '{}', dataJson: '{}' }
    const crontab = { owner: 'anna', text: '# mine\n', namesJson: '["nightly"]' }
    const firing = firingRow(50, { until: 60, count: 2, manual: true, outcome: 'ran', jobId: 7 })
    const atCursor = firingRow(5, { until: 6, count: 2 })
    const template = {
      owner: 'anna',
      schedule: 'nightly',
      fromJob: 3,
      name: 'x',
      specJson: '{"a":1}',
      settings: 'ab',
    }
    const reply = {
      owner: 'anna',
      key: 'k',
      route: 'submit',
      hash: 'h',
      status: 201,
      replyJson: '{"id":7}',
      at: 3,
    }
    const token = { hash: 'a'.repeat(64), owner: 'anna', expiresAt: 77 }
    const apiToken = {
      id: 3,
      hash: 'f'.repeat(64),
      owner: 'anna',
      name: 'ci',
      scopesJson: '["submit"]',
      createdAt: 1,
      expiresAt: 9,
      revokedAt: 5,
      revokedBy: 'root',
    }
    const shared = { owner: 'anna', job: 0, group: 'keepers', by: 'anna', at: 3 }
    const nodeKey = { node: 'n1', hash: 'd'.repeat(64), oldHash: 'e'.repeat(64), since: 3 }
    const joinToken = {
      id: 2,
      hash: 'f'.repeat(64),
      node: 'n1',
      by: 'root',
      createdAt: 1,
      expiresAt: 9,
      usedAt: 3,
      usedBy: 'n1',
    }
    const role = { owner: 'anna', role: 'operator', by: 'root', at: 4 } as const
    const entry = auditRow(3, { job: 7, toJob: 9, owner: 'anna', own: true })
    await store.commit([
      { put: 'job', row: job },
      { put: 'task', row: task },
      { put: 'range', row: range },
      { put: 'run', row: run },
      { put: 'event', row: event },
      { put: 'node', row: node },
      { put: 'quota', row: quota },
      { put: 'queue', row: queue },
      { put: 'resource', row: resource },
      { put: 'share', row: share },
      { put: 'crontab', row: crontab },
      { put: 'schedule', row: schedule },
      { put: 'firing', row: firing },
      { put: 'firing', row: atCursor },
      { put: 'template', row: template },
      { put: 'reply', row: reply },
      { put: 'token', row: token },
      { put: 'role', row: role },
      { put: 'joinToken', row: joinToken },
      { put: 'nodeKey', row: nodeKey },
      { put: 'nodeKey', row: { ...nodeKey, node: 'n2' } },
      { drop: 'nodeKey', node: 'n2' },
      { put: 'sharing', row: shared },
      { put: 'sharing', row: { ...shared, job: 7 } },
      { drop: 'sharing', owner: 'anna', job: 7, group: 'keepers' },
      { put: 'apiToken', row: apiToken },
      { put: 'audit', row: entry },
      { put: 'meta', key: 'incarnation', value: 'abc' },
    ])
    const again = await reopen()
    const { replyJson: _, ...key } = reply
    expect(await again.load()).toEqual({
      meta: { incarnation: 'abc' },
      newestJob: 7,
      newestEvent: 1,
      newestAudit: 3,
      jobs: [withoutSpec(job)],
      ranges: [range],
      tasks: [task],
      nodes: [node],
      schedules: [{ ...schedule, templateOf: 'ab' }],
      crontabs: [crontab],
      quotas: [quota],
      queues: [queue],
      resources: [resource],
      shares: [share],
      firingsAtCursor: [atCursor],
      replies: [key],
      tokens: [token],
      roles: [role],
      apiTokens: [apiToken],
      sharing: [shared],
      joinTokens: [joinToken],
      nodeKeys: [nodeKey],
    })
    expect(await again.query('job', { id: 7 })).toEqual(job)
    expect(await again.query('runs', { job: 7, from: 1, to: 9, newest: 5 })).toEqual([run])
    expect(await again.query('jobEvents', { job: 7, limit: 5 })).toEqual([event])
    expect(await again.query('audit', allAudit)).toEqual([entry])
    expect(await again.query('reply', { owner: 'anna', key: 'k' })).toEqual(reply)
    expect(await again.query('pastPeaks', { owner: job.owner, name: job.name, limit: 9 })).toEqual(
      [],
    )
    expect(await again.query('firings', { owner: 'anna', schedule: 'nightly', limit: 5 })).toEqual([
      firing,
      atCursor,
    ])
    expect(await again.query('ranges', { job: 7 })).toEqual([{ from: 4, to: 1_000_000 }])
    expect(await again.query('specs', { jobs: [7, 8] })).toEqual([
      { id: 7, specJson: job.specJson },
    ])
  })

  test('past peaks are those of ended runs of the owner’s jobs of the name, newest first', async () => {
    const { store } = await open()
    const measured = (id: number, index: number, peakMemBytes: number | null, endedAt = 9) =>
      ({
        put: 'run',
        row: runRow(id, { index, usageJson: JSON.stringify({ peakMemBytes }), endedAt }),
      }) as const
    for (const id of [1, 2, 3, 4])
      await store.commit(submitChanges(id, { name: 'bot', owner: id === 3 ? 'bert' : 'anna' }))
    await store.commit(submitChanges(5, { name: 'other', owner: 'anna' }))
    await store.commit([
      measured(1, 1, 100),
      measured(2, 1, 200),
      measured(2, 2, 300),
      measured(2, 3, null),
      measured(3, 1, 999),
      measured(5, 1, 999),
      { put: 'run', row: runRow(4, { endedAt: null, usageJson: '{"peakMemBytes":999}' }) },
    ])
    const peaks = (limit: number) => store.query('pastPeaks', { owner: 'anna', name: 'bot', limit })
    expect(await peaks(9)).toEqual([300, 200, 100])
    expect(await peaks(2)).toEqual([300, 200])
  })

  test('of several changes to one key the last counts, in one batch as in several', async () => {
    const { store } = await open()
    const running = { state: 'running', node: 'node1', epoch: 1 } as const
    await store.commit([
      { put: 'task', row: taskRow(1) },
      ...submitChanges(1, { specJson: '"first"' }),
      { put: 'job', row: jobRow(1, { state: 'running', specJson: null, startedAt: 9 }) },
      { put: 'task', row: taskRow(1, 1, running) },
      { put: 'range', row: { job: 1, from: 1, to: 10 } },
      { drop: 'ranges', job: 1 },
      { put: 'range', row: { job: 1, from: 1, to: 4 } },
      { put: 'range', row: { job: 1, from: 6, to: 10 } },
      { put: 'node', row: { name: 'gone', dataJson: '{}' } },
      { drop: 'node', name: 'gone' },
      { drop: 'schedule', owner: 'anna', name: 'back' },
      {
        put: 'schedule',
        row: { owner: 'anna', name: 'back', cursorAt: 1, specJson: '{}', dataJson: '{}' },
      },
    ])
    const first = await store.load()
    expect(first.jobs).toMatchObject([{ id: 1, state: 'running', startedAt: 9 }])
    expect(first.tasks).toEqual([taskRow(1, 1, running)])
    expect(first.ranges).toEqual([
      { job: 1, from: 1, to: 4 },
      { job: 1, from: 6, to: 10 },
    ])
    expect(first.nodes).toEqual([])
    expect(first.schedules).toHaveLength(1)
    expect(await store.query('job', { id: 1 })).toMatchObject({ specJson: '"first"' })
    await store.commit([
      { drop: 'ranges', job: 1 },
      { drop: 'schedule', owner: 'anna', name: 'back' },
      { put: 'job', row: jobRow(1, { specJson: null }) },
    ])
    const second = await store.load()
    expect([second.ranges, second.schedules]).toEqual([[], []])
    expect(await store.query('specs', { jobs: [1] })).toEqual([{ id: 1, specJson: '"first"' }])
  })

  test('commits made at once take effect in call order', async () => {
    const { store } = await open()
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        store.commit([{ put: 'meta', key: 'last', value: String(n) }]),
      ),
    )
    expect((await store.load()).meta).toEqual({ last: '49' })
  })

  test('a commit that fails leaves nothing, and none after it is taken', async () => {
    const { store, reopen } = await open()
    const bad: Change[] = [...submitChanges(1), { put: 'task', row: taskRow(99) }]
    const later = [store.commit(bad), store.commit(submitChanges(2))]
    for (const one of later) await expect(one).rejects.toMatchObject({ kind: 'failed' })
    await expect(store.commit(submitChanges(3))).rejects.toMatchObject({ kind: 'failed' })
    expect((await store.load()).jobs).toEqual([])
    const again = await reopen()
    await again.commit(submitChanges(4))
    expect((await again.load()).jobs.map(({ id }) => id)).toEqual([4])
  })

  test('finished jobs leave the snapshot and stay finished; finished tasks stay out of it', async () => {
    const { store } = await open()
    const done = { state: 'finished', outcome: 'failed' } as const
    await store.commit([
      ...submitChanges(1),
      { put: 'task', row: taskRow(1, 2, done) },
      { put: 'job', row: finishedJobRow(2, 500) },
      { put: 'task', row: taskRow(2, 1, done) },
    ])
    const snapshot = await store.load()
    expect(snapshot.jobs.map(({ id }) => id)).toEqual([1])
    expect(snapshot.tasks).toEqual([taskRow(1)])
    expect(await store.query('outcomes', { jobs: [1, 2, 3] })).toEqual([
      { id: 1, outcome: null, finishedAt: null },
      { id: 2, outcome: 'succeeded', finishedAt: 500 },
    ])
    await expect(store.commit([{ put: 'job', row: jobRow(2) }])).rejects.toThrow(/finished/)
  })

  test('finished jobs are paged newest first, and filtered', async () => {
    const { store } = await open()
    await store.commit([
      { put: 'job', row: jobRow(1) },
      { put: 'job', row: finishedJobRow(2, 100, { name: 'a[b]c' }) },
      { put: 'job', row: finishedJobRow(3, 100, { owner: 'ben', name: 'abc' }) },
      { put: 'job', row: finishedJobRow(4, 300, { kind: 'continuous', name: 'bot' }) },
      { put: 'job', row: finishedJobRow(5, 200, { schedule: 'nightly', name: 'bots' }) },
    ])
    const ids = async (filter: Partial<FinishedFilter>) =>
      (await store.query('finished', { ...anyFinished, ...filter })).map(({ id }) => id)
    expect(await ids({})).toEqual([4, 5, 3, 2])
    expect(await ids({ limit: 2 })).toEqual([4, 5])
    expect(await ids({ before: { finishedAt: 100, id: 3 } })).toEqual([2])
    expect(await ids({ owner: 'anna', before: { finishedAt: 300, id: 4 } })).toEqual([5, 2])
    expect(await ids({ owner: 'ben' })).toEqual([3])
    expect(await ids({ kind: 'continuous' })).toEqual([4])
    expect(await ids({ schedule: 'nightly' })).toEqual([5])
    expect(await ids({ name: 'bot' })).toEqual([4])
    expect(await ids({ name: 'bot*' })).toEqual([4, 5])
    expect(await ids({ name: 'a[b]?' })).toEqual([2])
    expect(await ids({ name: 'a?c' })).toEqual([3])
    const [row] = await store.query('finished', { ...anyFinished, limit: 1 })
    const last = withoutSpec(finishedJobRow(4, 300, { kind: 'continuous', name: 'bot' }))
    expect(row).toEqual({ ...last, lastNode: null })
  })

  test('the newest job of a name, live or finished, of that owner', async () => {
    const { store } = await open()
    await store.commit([
      { put: 'job', row: finishedJobRow(1, 9, { name: 'bot' }) },
      { put: 'job', row: jobRow(2, { name: 'bot' }) },
      { put: 'job', row: jobRow(3, { name: 'bot', owner: 'ben' }) },
    ])
    const newest = (owner: string, name: string) => store.query('newestByName', { owner, name })
    expect(await newest('anna', 'bot')).toEqual(jobRow(2, { name: 'bot' }))
    expect(await newest('anna', 'bo*')).toBeNull()
  })

  test('tasks, runs and events are read in stretches', async () => {
    const { store } = await open()
    await store.commit([
      ...submitChanges(1),
      ...[2, 3, 4].map((index): Change => ({ put: 'task', row: taskRow(1, index) })),
      ...[runOf(1, 1, 1), runOf(1, 1, 2), runOf(1, 2, 1), runOf(2, 1, 1)].map((row): Change => ({
        put: 'run',
        row,
      })),
      ...[3, 4, 5].map((id): Change => ({ put: 'event', row: eventRow(id) })),
    ])
    const tasks = await store.query('tasks', { job: 1, from: 2, to: 9, limit: 2 })
    expect(tasks.map(({ index }) => index)).toEqual([2, 3])
    const runs = await store.query('runs', { job: 1, from: 1, to: 2, newest: 2 })
    expect(runs).toEqual([runOf(1, 1, 2), runOf(1, 2, 1), runOf(2, 1, 1)])
    const eventIds = async (id: number, limit: number, job: number | null) =>
      (await store.query('eventsAfter', { id, limit, job })).map((event) => event.id)
    expect(await eventIds(1, 3, null)).toEqual([2, 3, 4])
    expect(await eventIds(0, 9, 1)).toEqual([1, 2])
    expect((await store.query('jobEvents', { job: 1, limit: 1 })).map(({ id }) => id)).toEqual([2])
  })

  test('the ledger keeps manual and due firings apart; the snapshot has those that cursors stand at', async () => {
    const { store } = await open()
    await store.commit([
      {
        put: 'schedule',
        row: { owner: 'anna', name: 'nightly', cursorAt: 20, specJson: '{}', dataJson: '{}' },
      },
      { put: 'firing', row: firingRow(10) },
      { put: 'firing', row: firingRow(10, { manual: true, why: 'by hand' }) },
      { put: 'firing', row: firingRow(20) },
      { put: 'firing', row: firingRow(20, { until: 40, count: 3 }) },
      { put: 'firing', row: firingRow(30, { manual: true }) },
      { put: 'firing', row: firingRow(20, { manual: true }) },
      { put: 'firing', row: firingRow(90, { schedule: 'gone' }) },
    ])
    const ledger = { owner: 'anna', schedule: 'nightly', limit: 9 }
    const last = firingRow(20, { until: 40, count: 3 })
    expect(await store.query('firings', ledger)).toEqual([
      firingRow(30, { manual: true }),
      firingRow(20, { manual: true }),
      last,
      firingRow(10, { manual: true, why: 'by hand' }),
      firingRow(10),
    ])
    expect((await store.load()).firingsAtCursor).toEqual([last])
    // The newest due one is kept whatever its age, though one by hand came after it.
    expect(await store.prune({ ...never, finishedAt: 9_999 }, 100)).toBe(4)
    expect((await store.load()).firingsAtCursor).toEqual([last])
  })

  test('jobs of a schedule have the spec that it had in their time, but for those with one of their own', async () => {
    const { store } = await open()
    const nightly = { owner: 'anna', name: 'nightly', cursorAt: 1, specJson: '{}', dataJson: '{}' }
    const template = (fromJob: number, specJson: string): Change => ({
      put: 'template',
      row: { owner: 'anna', schedule: 'nightly', fromJob, name: 'n', specJson, settings: specJson },
    })
    const ofNightly = { name: 'n', schedule: 'nightly', specJson: null }
    const over = { state: 'finished', outcome: 'succeeded', finishedAt: 5 } as const
    await store.commit([
      { put: 'schedule', row: nightly },
      template(1, '"first"'),
      { put: 'job', row: jobRow(1, { ...ofNightly, ...over }) },
      { put: 'job', row: jobRow(2, { ...ofNightly, ...over, specJson: '"own"' }) },
      template(3, '"second"'),
      { put: 'job', row: jobRow(3, { ...ofNightly, finishedAt: null }) },
      { put: 'job', row: jobRow(4, { ...ofNightly, owner: 'bert' }) },
      template(5, '"third"'),
      template(6, '"fourth"'),
    ])
    const specs = async () => {
      const found = await store.query('specs', { jobs: [1, 2, 3, 4] })
      return found.map(({ specJson }) => specJson)
    }
    expect(await specs()).toEqual(['"first"', '"own"', '"second"', null])
    expect(await store.query('job', { id: 3 })).toMatchObject({ specJson: '"second"' })
    expect((await store.load()).schedules).toEqual([{ ...nightly, templateOf: '"fourth"' }])
    // What no job has any more goes, even in its turn; what the schedule submits now stays.
    const pruned = async () => {
      let rows = 0
      for (let more = 1; more > 0; rows += more)
        more = await store.prune({ ...never, finishedAt: 9 }, 1)
      return rows
    }
    // The template of no job, jobs 1 and 2, and the one's template and the other's spec.
    expect(await pruned()).toBe(5)
    expect(await specs()).toEqual(['"second"', null])
    await store.commit([
      { drop: 'schedule', owner: 'anna', name: 'nightly' },
      { put: 'job', row: jobRow(3, { ...ofNightly, ...over }) },
    ])
    expect(await pruned()).toBe(1 + 1 + 1)
    expect((await store.load()).schedules).toEqual([])
  })

  test('prune deletes what is old in small batches, and no number is given twice', async () => {
    const { store } = await open()
    const reply = { key: 'k', route: 'r', hash: 'h', status: 200, replyJson: '{}' }
    await store.commit([
      ...submitChanges(1),
      ...[2, 3, 4].flatMap((id): Change[] => [
        ...submitChanges(id, { state: 'finished', outcome: 'succeeded', finishedAt: 100 * id }),
        { put: 'range', row: { job: id, from: 2, to: 9 } },
        { put: 'run', row: runRow(id) },
      ]),
      { put: 'reply', row: { ...reply, owner: 'old', at: 5 } },
      { put: 'reply', row: { ...reply, owner: 'new', at: 15 } },
      { put: 'token', row: { hash: 'b'.repeat(64), owner: 'old', expiresAt: 5 } },
      { put: 'token', row: { hash: 'c'.repeat(64), owner: 'new', expiresAt: 15 } },
      { put: 'firing', row: firingRow(1) },
      // What owners did to their own is kept for another time than the rest.
      { put: 'audit', row: auditRow(1, { own: true, at: 5 }) },
      { put: 'audit', row: auditRow(2, { own: true, at: 15 }) },
      { put: 'audit', row: auditRow(3, { owner: 'bert', at: 5 }) },
      { put: 'audit', row: auditRow(4, { owner: null, at: 1 }) },
      { put: 'audit', row: auditRow(5, { own: true, at: 1 }) },
    ])
    const old = { finishedAt: 1_000, eventAt: 0, auditAt: 3, replyAt: 10, now: 10 }
    let calls = 0
    for (let rows = 1; rows > 0; calls++) {
      rows = await store.prune(old, 4)
      expect(rows).toBeLessThanOrEqual(4)
    }
    // Reply, token, firing and audit entry; then job, spec, task, range, run and two events for each of two jobs.
    // More calls where a batch is cut short because it takes too long.
    expect(calls).toBeGreaterThanOrEqual(Math.ceil((4 + 2 * 7) / 4) + 1)
    for (const id of [2, 3]) {
      expect(await store.query('job', { id })).toBeNull()
      expect(await store.query('tasks', { job: id, from: 1, to: 9, limit: 9 })).toEqual([])
      expect(await store.query('jobEvents', { job: id, limit: 9 })).toEqual([])
    }
    const snapshot = await store.load()
    expect(snapshot.replies.map(({ owner }) => owner)).toEqual(['new'])
    expect(snapshot.tokens.map(({ owner }) => owner)).toEqual(['new'])
    expect(snapshot.jobs.map(({ id }) => id)).toEqual([1])
    expect(snapshot.newestJob).toBe(4)
    expect(await store.prune({ ...never, eventAt: 9_999 }, 100)).toBe(3 + 2)
    // The newest stays: no number is given twice.
    expect((await store.query('audit', allAudit)).map(({ id }) => id)).toEqual([5, 3])
    expect((await store.load()).newestEvent).toBe(8)
  })

  test('prune goes past firings that are kept, however many, a few at a time', async () => {
    const { store } = await open()
    const schedules = Array.from({ length: 450 }, (_, at) => `s${String(at).padStart(3, '0')}`)
    await store.commit(
      schedules.flatMap((schedule): Change[] => [
        {
          put: 'schedule',
          row: { owner: 'anna', name: schedule, cursorAt: 9, specJson: '{}', dataJson: '{}' },
        },
        { put: 'firing', row: firingRow(9, { schedule, at: 10 }) },
      ]),
    )
    await store.commit([
      { put: 'firing', row: firingRow(5, { schedule: 's449', at: 11, outcome: 'missed' }) },
      { put: 'firing', row: firingRow(6, { schedule: 's448', at: 11, outcome: 'queued' }) },
    ])
    let deleted = 0
    for (let call = 0; call < 3; call += 1)
      deleted += await store.prune({ ...never, finishedAt: 1_000 }, 100)
    expect(deleted).toBe(1)
    const left = await store.query('firings', { owner: 'anna', schedule: 's449', limit: 9 })
    expect(left.map(({ dueAt }) => dueAt)).toEqual([9])
    expect(
      await store.query('firings', { owner: 'anna', schedule: 's448', limit: 9 }),
    ).toHaveLength(2)
    // From the beginning again: what became old meanwhile is found.
    await store.commit([{ put: 'firing', row: firingRow(3, { schedule: 's000', at: 8 }) }])
    for (let call = 0; call < 3; call += 1)
      deleted += await store.prune({ ...never, finishedAt: 1_000 }, 100)
    expect(deleted).toBe(2)
  })
}

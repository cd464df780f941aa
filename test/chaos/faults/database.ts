/** What befalls the database file and those who hold it, and what looks like the scheduler without being it. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

import SqliteDatabase from 'better-sqlite3'

import { until } from '../../support/wait.ts'
import type { Daemon } from '../daemon.ts'
import { aNode, needsEnclosure, wait, whileDown, type Around, type Fault } from './fault.ts'

const files = ['evergrid.db', 'evergrid.db-wal', 'evergrid.db-shm']
const databaseOf = ({ grid }: Around) => join(grid.schedulerData, 'evergrid.db')

/** Puts the database of a scheduler that does not run aside, or back. */
function moveFiles(from: string, to: string, move: (from: string, to: string) => void): void {
  mkdirSync(to, { recursive: true })
  for (const name of files) {
    rmSync(join(to, name), { force: true })
    if (existsSync(join(from, name))) move(join(from, name), join(to, name))
  }
}

/** Longer than a start takes on any machine: for those that hang. */
const startMs = 60_000

/** Starts a scheduler on what is there now, until it serves changes or says the words; what it said, and whether it served. */
async function tryIt(around: Around, words: RegExp): Promise<{ served: boolean; said: string }> {
  const { scheduler, url } = around.grid
  const before = scheduler.said
  scheduler.start()
  let served = false
  const seen = async () => {
    served = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1_000) }).then(
      ({ ok }) => ok,
      () => false,
    )
    return served || words.test(scheduler.wordsSince(before))
  }
  const what = 'a scheduler that serves or says why not'
  await until(seen, { timeoutMs: startMs, everyMs: 100, what }).catch(() => false)
  await scheduler.stop('SIGKILL')
  return { served, said: scheduler.wordsSince(before) }
}

function refusing(
  kind: string,
  harm: (path: string, around: Around) => void,
  words: RegExp,
): Fault {
  return {
    kind,
    weight: 1,
    async run(around) {
      // All that is acknowledged is in the file that is put back.
      await around.workload.pause()
      const mark = await around.workload.mark()
      await whileDown(around, async () => {
        const { grid } = around
        const path = databaseOf(around)
        const aside = join(grid.schedulerData, 'aside')
        // What is in the -wal file would hide the harm.
        const db = new SqliteDatabase(path)
        db.pragma('wal_checkpoint(TRUNCATE)')
        db.close()
        moveFiles(grid.schedulerData, aside, copyFileSync)
        harm(path, around)
        const { served, said } = await tryIt(around, words)
        around.tell(`${kind}: ${served ? 'it served' : 'refused'}`)
        if (served) around.workload.restored(mark)
        else if (!words.test(said)) around.broken(`${kind}: the scheduler does not say so: ${said}`)
        moveFiles(aside, grid.schedulerData, renameSync)
      })
    },
  }
}

/** Pages of garbage, from the second on: the first is what tells a database. */
function damage(path: string, { random }: Around): void {
  const page = 4096
  const pages = Math.floor(statSync(path).size / page)
  const file = openSync(path, 'r+')
  const garbage = Buffer.alloc(page, 0xa5)
  for (let at = 1; at < pages; at += random.int(1, 3)) writeSync(file, garbage, 0, page, at * page)
  closeSync(file)
}

function cutInHalf(path: string): void {
  const file = openSync(path, 'r+')
  ftruncateSync(file, Math.floor(statSync(path).size / 2))
  closeSync(file)
}

function renew(path: string): void {
  const db = new SqliteDatabase(path)
  db.pragma('user_version = 99')
  db.close()
}

/** Another program holds the write lock, longer than the scheduler waits for it. */
const locked: Fault = {
  kind: 'database locked by another process',
  weight: 1,
  async run(around) {
    const db = new SqliteDatabase(databaseOf(around), { timeout: 0 })
    const begin = () => {
      try {
        db.exec('BEGIN IMMEDIATE')
        return true
      } catch {
        return false
      }
    }
    await until(begin, { everyMs: 5, what: 'the lock on the database' })
    around.tell('another process holds the database for 9 s')
    await wait(9_000)
    db.close()
  },
}

const empty: Fault = {
  kind: 'start on an empty database',
  weight: 1,
  async run(around) {
    await whileDown(around, async () => {
      const { grid, random } = around
      const forMs = random.pick([4_000, 26_000]) ?? 4_000
      around.tell(`a scheduler on an empty database for ${forMs} ms, then the old one again`)
      const aside = join(grid.schedulerData, 'aside')
      moveFiles(grid.schedulerData, aside, renameSync)
      grid.scheduler.start()
      await wait(forMs)
      await grid.scheduler.stop('SIGKILL')
      moveFiles(aside, grid.schedulerData, renameSync)
    })
  },
}

/** Runs a daemon that must end by itself with these words. */
async function mustEnd(around: Around, what: string, daemon: Daemon, words: RegExp): Promise<void> {
  daemon.start()
  daemon.keepAway()
  await until(() => daemon.pid === null, { timeoutMs: 30_000, what: `the end of ${what}` }).catch(
    async () => {
      around.broken(`${what} was not refused`)
      await daemon.stop('SIGKILL')
    },
  )
  const said = daemon.lastWords()
  if (!words.test(said)) around.broken(`${what} did not say why: ${said}`)
}

const twoSchedulers: Fault = {
  kind: 'two schedulers on one data folder',
  weight: 1,
  touchesNobody: true,
  async run(around) {
    const { grid } = around
    around.tell('a second scheduler on the same data folder')
    const second = grid.extra('scheduler-2', grid.schedulerCommand({ port: 0 }))
    await mustEnd(
      around,
      'a second scheduler on one data folder',
      second,
      /another scheduler is running/,
    )
  },
}

const oneFolder: Fault = {
  kind: 'two agents on one data folder',
  weight: 0.5,
  touchesNobody: true,
  async run(around) {
    const node = aNode(around)
    around.tell(`a second agent on the folder of ${node.name}`)
    const second = around.grid.extra('agent-2', around.grid.nodeCommand(node))
    await mustEnd(around, 'a second agent on one data folder', second, /in use by the exec-node/)
  },
}

const oneName: Fault = {
  kind: 'two agents with one name',
  weight: 1,
  touchesNobody: true,
  async run(around) {
    const { grid } = around
    const node = aNode(around)
    around.tell(`a second agent says that it is ${node.name}`)
    const data = join(grid.folder, 'twin')
    const second = grid.extra('twin', grid.nodeCommand({ ...node, data }))
    second.start()
    const cordoned = async () =>
      (await grid.views()).find(({ name }) => name === node.name)?.cordoned
    await until(cordoned, { timeoutMs: 30_000, everyMs: 100, what: 'the cordon' }).catch(() =>
      around.broken(`two agents called ${node.name}, and the name is not cordoned`),
    )
    await wait(around.random.between(0, 8_000))
    await second.stop()
    const runs = existsSync(join(data, 'runs')) ? readdirSync(join(data, 'runs')) : []
    if (runs.length > 0) around.broken(`the second ${node.name} has started ${runs.join(', ')}`)
    rmSync(data, { recursive: true, force: true })
    await grid.insist((client) => client.call('uncordonNode', { params: { node: node.name } }))
  },
}

const moved: Fault = {
  kind: 'scheduler moved to another address',
  weight: 1,
  impossible: needsEnclosure,
  async run(around) {
    const { grid, random } = around
    await whileDown(around, async () => {
      grid.moved()
      around.tell(`the scheduler moves to ${grid.url}`)
      grid.scheduler.start()
      for (const { agent } of grid.nodes) {
        await wait(random.between(0, 4_000))
        await agent.stop()
        agent.start()
      }
    })
  },
}

export const databaseFaults: readonly Fault[] = [
  refusing('database damaged', damage, /damaged|not a database/),
  refusing('database truncated', cutInHalf, /damaged|not a database/),
  refusing('database of a newer schema', renew, /start the newer Evergrid/),
  locked,
  empty,
  twoSchedulers,
  oneFolder,
  oneName,
  moved,
]

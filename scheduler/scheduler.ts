/** One running scheduler: port first, then store, brain and HTTP room; the orderly end in the opposite order. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'

import { accountName } from '../src/lib/accounts.ts'
import { removePidFile, writePidFile } from '../src/lib/daemon.ts'
import { removeEndpoint, writeEndpoint } from '../src/lib/endpoint.ts'
import type { Log } from '../src/lib/log.ts'
import { packageVersion } from '../src/lib/package-version.ts'
import { realClock } from '../src/lib/real-clock.ts'
import { Brain } from './brain/brain.ts'
import { openIdentity } from './http/identity/keeper.ts'
import { listen, type Listener } from './http/listen.ts'
import { buildServer } from './http/server.ts'
import { openVault } from './http/vault.ts'
import {
  accountsOf,
  brainSettings,
  ownerRule,
  placeOf,
  requestQueueFromEnvironment,
} from './settings.ts'
import { prepareDataFolder } from './store/open.ts'
import { StoreError, type Store } from './store/store.ts'
import { openStore } from './store/worker-store.ts'

export type SchedulerOptions = {
  dataDir: string
  host: string
  port: number
  allowRootJobs: boolean
  insecureNetwork: boolean
  log: Log
  /** The store failed: the process must end and begin again from what is on disk. */
  onFailure: (error: Error) => void
}

export type RunningScheduler = {
  url: string
  port: number
  readOnly: string | null
  stop(): Promise<void>
}

export async function startScheduler(options: SchedulerOptions): Promise<RunningScheduler> {
  const { dataDir, host, log } = options
  const database = prepareDataFolder(dataDir)
  // While nobody listens, refused connections renew the nodes' leases; from here on we answer for them.
  const listener = await listen({
    host,
    port: options.port,
    insecureNetwork: options.insecureNetwork,
  })
  try {
    return await serve(options, database, listener)
  } catch (error) {
    await listener.close(0)
    log.error({ event: 'start-failed', error: String(error) })
    throw error
  }
}

async function serve(
  options: SchedulerOptions,
  database: string,
  listener: Listener,
): Promise<RunningScheduler> {
  const { dataDir, log } = options
  const uid = process.getuid?.() ?? 0
  const self = await accountName(uid)
  const reserve = watchReserve()
  const { store, readOnly } = await openOrRead(database, (held) => reserve.onReserve(held))
  const refuseOwner = ownerRule({ self, isRoot: uid === 0, allowRootJobs: options.allowRootJobs })
  const brain = await Brain.open({
    store,
    clock: realClock(),
    log,
    settings: brainSettings({
      version: packageVersion(),
      place: placeOf(listener),
      self,
      refuseOwner,
      accounts: accountsOf(self),
    }),
    newGridId: randomUUID,
    onFailure: options.onFailure,
    readOnly,
  })
  reserve.tell(brain)
  const { port } = listener
  const identity = await openIdentity({ dataDir, port, door: brain, now: Date.now })
  const vault = openVault(dataDir)
  const requestsUnderWay = requestQueueFromEnvironment(process.env['EVERGRID_REQUEST_QUEUE'])
  await listener.serve(buildServer({ door: brain, identity, vault, log, requestsUnderWay }))
  const address = { host: listener.host, port }
  writeEndpoint(address, { data: dataDir, pid: process.pid, grid: brain.grid, uid })
  const pidFile = join(dataDir, 'scheduler.pid')
  writePidFile(pidFile)
  if (readOnly === null) {
    brain.beginJudging()
    brain.start()
  }
  log.info({ event: 'ready', detail: listener.url })
  return {
    url: listener.url,
    port,
    readOnly,
    async stop() {
      // Judging ends before the port does: a node that cannot reach us must not be taken for silent.
      await brain
        .stop()
        .catch((error: unknown) => log.error({ event: 'stop-failed', error: String(error) }))
      removeEndpoint(address)
      removePidFile(pidFile)
      await listener.close()
      await identity.close()
      await store.close()
      log.info({ event: 'stopped' })
    },
  }
}

/** A database that cannot be written is served for reading; one that cannot be trusted is not served. */
async function openOrRead(
  path: string,
  onReserve: (held: boolean) => void,
): Promise<{ store: Store; readOnly: string | null }> {
  try {
    return { store: await openStore(path, { onReserve }), readOnly: null }
  } catch (error) {
    if (!(error instanceof StoreError) || (error.kind !== 'full' && error.kind !== 'read-only'))
      throw error
    return { store: await openStore(path, { readOnly: true }), readOnly: error.message }
  }
}

/** The store speaks of its reserve from its opening on; the brain is there only later. */
function watchReserve() {
  const known = { held: true }
  const brain: { it: Brain | null } = { it: null }
  return {
    onReserve(held: boolean) {
      known.held = held
      brain.it?.storeHoldsReserve(held)
    },
    tell(it: Brain) {
      brain.it = it
      it.storeHoldsReserve(known.held)
    },
  }
}

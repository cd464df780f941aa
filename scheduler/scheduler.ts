/** One running scheduler: port first, then store, brain and HTTP room; the orderly end in the opposite order. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'

import { accountName } from '../src/lib/accounts.ts'
import type { Clock } from '../src/lib/clock.ts'
import { removePidFile, writePidFile } from '../src/lib/daemon.ts'
import { removeEndpoint, writeEndpoint } from '../src/lib/endpoint.ts'
import type { Log } from '../src/lib/log.ts'
import { packageVersion } from '../src/lib/package-version.ts'
import { realClock } from '../src/lib/real-clock.ts'
import { Brain } from './brain/brain.ts'
import { openIdentity, type LoginOptions } from './http/identity/keeper.ts'
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
import { openTls, type Tls } from './tls/keep.ts'
import { namesAt } from './tls/names.ts'
import { keepRenewed } from './tls/renewing.ts'

export type SchedulerOptions = {
  dataDir: string
  host: string
  port: number
  allowRootJobs: boolean
  insecureNetwork: boolean
  tls: boolean
  /** Further names under which it may be called. */
  tlsNames: string[]
  /** How accounts can prove themselves beside the file on this machine. */
  logins?: LoginOptions
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
  const tls = options.tls ? await openCertificates(options) : null
  // While nobody listens, refused connections renew the nodes' leases; from here on we answer for them.
  const listener = await listen({
    host,
    port: options.port,
    insecureNetwork: options.insecureNetwork,
    shown: tls?.shown ?? null,
  })
  try {
    return await serve(options, { database, listener, tls })
  } catch (error) {
    await listener.close(0)
    log.error({ event: 'start-failed', error: String(error) })
    throw error
  }
}

function openCertificates({ dataDir, host, tlsNames, log }: SchedulerOptions): Promise<Tls> {
  return openTls({
    dataDir,
    names: () => namesAt(host, tlsNames),
    now: Date.now(),
    onUnwritten: (error) => log.error({ event: 'certificate-not-kept', error: error.message }),
  })
}

type Opened = { database: string; listener: Listener; tls: Tls | null }

async function serve(
  options: SchedulerOptions,
  { database, listener, tls }: Opened,
): Promise<RunningScheduler> {
  const { dataDir, log } = options
  const clock = realClock()
  const uid = process.getuid?.() ?? 0
  const self = await accountName(uid)
  const reserve = watchReserve()
  const { store, readOnly } = await openOrRead(database, (held) => reserve.onReserve(held))
  const brain = await openBrain(options, { listener, clock, self, store, readOnly })
  reserve.tell(brain)
  const { port } = listener
  const { logins } = options
  const identity = await openIdentity({ ...logins, dataDir, port, door: brain, now: Date.now })
  const vault = openVault(dataDir)
  const requestsUnderWay = requestQueueFromEnvironment(process.env['EVERGRID_REQUEST_QUEUE'])
  const names = namesAt(options.host, options.tlsNames)
  const authority = tls?.fingerprint ?? null
  await listener.serve(
    buildServer({ door: brain, identity, vault, log, requestsUnderWay, names, authority }),
  )
  const address = { host: listener.host, port }
  const endpoint = { data: dataDir, pid: process.pid, grid: brain.grid, uid }
  writeEndpoint(address, { ...endpoint, ...(tls && { authority: tls.authority }) })
  const endRenewing = tls && keepRenewed({ tls, clock, log, show: (next) => listener.show(next) })
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
      endRenewing?.()
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

type Around = {
  listener: Listener
  clock: Clock
  self: string
  store: Store
  readOnly: string | null
}

function openBrain(
  { log, allowRootJobs, onFailure }: SchedulerOptions,
  { listener, clock, self, store, readOnly }: Around,
): Promise<Brain> {
  return Brain.open({
    store,
    clock,
    log,
    settings: brainSettings({
      version: packageVersion(),
      place: placeOf(listener),
      self,
      refuseOwner: ownerRule({ self, isRoot: process.getuid?.() === 0, allowRootJobs }),
      accounts: accountsOf(self),
    }),
    newGridId: randomUUID,
    onFailure,
    readOnly,
  })
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

/** A whole grid on this machine: one scheduler, some exec-nodes, each supervised, started and ended in order. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import type { Client } from '../../client/client.ts'
import { makeFolders } from '../../lib/folder.ts'
import { flagsOf, startDaemon, type Daemon } from './entry.ts'
import { tlsNames } from './listen-options.ts'
import type { LoginFlags } from './login-options.ts'
import { supervise, type Supervised } from './supervised.ts'

export type GridPlan = {
  folder: string
  port: number
  listen: { host: string | undefined; tls: boolean; tlsNames: readonly string[] }
  nodes: number
  slots: number
  memBytes: number
  allowRootJobs: boolean
  privateTmp: boolean
  logins: LoginFlags
  insecureNetwork: boolean
}
export type Grid = {
  /** Rejects where a daemon cannot be started at all. */
  up: Promise<void>
  stop(): Promise<void>
  killNow(): void
}

type Flags = Parameters<typeof flagsOf>[0]

const nodeName = (number: number) => `node${number}`

export function startGrid(plan: GridPlan, client: Client, say: (line: string) => void): Grid {
  const running: Supervised[] = []
  let stopping = false
  const begin = (
    daemon: Daemon,
    name: string,
    flags: Flags,
    more: readonly string[] = [],
  ): Supervised => {
    const data = join(plan.folder, name)
    makeFolders(data, 0o700)
    const logFile = join(data, `${daemon}.log`)
    const start = (file: number) =>
      startDaemon(daemon, [...flagsOf({ data, ...flags }), ...more], ['ignore', file, file])
    const supervised = supervise({ name, logFile, start }, say)
    running.push(supervised)
    return supervised
  }

  const up = (async () => {
    const { port, allowRootJobs, slots, memBytes, privateTmp } = plan
    const { host, tls } = plan.listen
    const network = { 'insecure-network': plan.insecureNetwork }
    const rules = { port, host, tls, 'allow-root-jobs': allowRootJobs, ...network, ...plan.logins }
    await begin('scheduler', 'scheduler', rules, tlsNames(plan.listen.tlsNames)).ready
    if (stopping) return
    const names = Array.from({ length: plan.nodes }, (_, at) => nodeName(at + 1))
    const own = { 'private-tmp': privateTmp }
    const room = { scheduler: client.url, slots, mem: memBytes, ...own, ...network }
    const nodes = names.map((name) => begin('exec-node', name, { ...room, name }))
    await Promise.all(nodes.map(({ ready }) => ready))
    await untilUp(client, names, () => stopping)
  })()

  return {
    up,
    async stop() {
      stopping = true
      const [scheduler, ...nodes] = running
      // The scheduler first: it must not judge nodes that are about to leave.
      await scheduler?.stop()
      await Promise.all(nodes.map((node) => node.stop()))
    },
    killNow: () => running.forEach((supervised) => supervised.killNow()),
  }
}

async function untilUp(client: Client, names: string[], isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const { nodes } = await client.call('listNodes')
    const ready = new Set(nodes.filter(({ state }) => state === 'up').map(({ name }) => name))
    if (names.every((name) => ready.has(name))) return
    await delay(20)
  }
}

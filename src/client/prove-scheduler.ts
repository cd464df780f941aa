/**
 * The scheduler proves itself before a byte is sent to it: with TLS by a certificate of the trusted authority, on loopback
 * else by the uid that the kernel shows for the listening socket and for the far end of this very connection. A
 * stranger may have taken the port.
 */
import http from 'node:http'
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { Duplex } from 'node:stream'

import { findEndpoint } from '../lib/endpoint.ts'
import { addressOf, isLoopback } from '../lib/loopback.ts'
import { rowAddress, serves, tcpRows } from '../lib/tcp-rows.ts'
import { NotProven } from './not-proven.ts'

/** How long a scheduler that listens may take until it accepts. */
const acceptMs = 10_000

type Connected = (error: Error | null, stream: Duplex) => void

export type ProofOptions = {
  insecureNetwork?: boolean | undefined
  /** File with the authorities to trust, where a daemon keeps its own. */
  authorityFile?: string | undefined
}

/** A keep-alive agent for node:http whose every connection is proven before it is used, also for https URLs. */
export function provenAgent(url: string, options: ProofOptions = {}): http.Agent {
  if (url.startsWith('https:')) return secureAgent(url, options.authorityFile)
  const { host } = addressOf(url)
  if (!isLoopback(host)) return networkAgent(url, options.insecureNetwork === true)
  return agentOver((target, connected) => {
    const socket = connect(target)
    const failed = (error: Error) => connected(error, socket)
    socket.once('error', failed)
    const prove = async () => {
      const problem = await problemWith(url, socket).catch((error: unknown) => error as Error)
      // Told already, through its error.
      if (socket.errored) return
      socket.off('error', failed)
      if (problem === null) return connected(null, socket)
      socket.destroy()
      connected(problem, socket)
    }
    socket.once('connect', () => void prove())
  })
}

/** TLS is loaded only where it is spoken. */
function secureAgent(url: string, authorityFile: string | undefined): http.Agent {
  const agent = agentOver((_target, connected) => {
    import('./secure-connection.ts')
      .then(({ secureConnection }) => secureConnection(url, authorityFile))
      .then(
        (socket) => connected(null, socket),
        (error: Error) => connected(error, null as never),
      )
  })
  return Object.assign(agent, { protocol: 'https:', defaultPort: 443 })
}

function networkAgent(url: string, insecureNetwork: boolean): http.Agent {
  const problem = networkProblem(url, insecureNetwork)
  if (problem === null) return new http.Agent({ keepAlive: true })
  return agentOver((_target, connected) => connected(new NotProven(problem), null as never))
}

/** Why no call to `url` will ever be made, known before one is tried; null: it may be. */
export function networkProblem(url: string, insecureNetwork: boolean): string | null {
  if (insecureNetwork || url.startsWith('https:') || isLoopback(addressOf(url).host)) return null
  return (
    `${url} is not on this machine, and without TLS nothing proves who answers there; ` +
    'write https:// if it runs with --tls, or say --insecure-network to use it all the same'
  )
}

function agentOver(open: (target: TcpNetConnectOpts, connected: Connected) => void): http.Agent {
  const agent = new http.Agent({ keepAlive: true })
  agent.createConnection = (options, connected) => {
    open(options as TcpNetConnectOpts, connected ?? (() => {}))
    return null
  }
  return agent
}

/** Null when the scheduler has proven itself on this connection. */
async function problemWith(url: string, socket: Socket): Promise<Error | null> {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  if (!remoteAddress || !remotePort || !localAddress || !localPort)
    return unreachable('ECONNRESET', `${url} closed the connection`)
  if (!isLoopback(remoteAddress)) {
    return new NotProven(`${url} leads to ${remoteAddress}, off this machine`)
  }
  const far = rowAddress(remoteAddress, remotePort)
  const near = rowAddress(localAddress, localPort)
  const trusted = new Set([0, process.getuid?.() ?? 0])
  const owner = findEndpoint(url)?.uid
  if (owner !== undefined) trusted.add(owner)
  const end = performance.now() + acceptMs
  for (let delayMs = 1; !socket.destroyed; delayMs = Math.min(delayMs * 2, 100)) {
    const rows = tcpRows(remotePort)
    const server = rows.find((row) => row.local === far && row.remote === near)
    const stranger = rows.find(
      (row) => (serves(row, far) || (row === server && row.inode !== 0)) && !trusted.has(row.uid),
    )
    if (stranger) {
      const { accountName } = await import('../lib/accounts.ts')
      return new NotProven(heldBy(remotePort, await accountName(stranger.uid)))
    }
    // Until it is accepted the far end has no owner (the table shows 0): not a proof.
    if (server && server.inode !== 0) return null
    if (performance.now() > end) {
      const problem = 'accepts no connection: the process that holds it seems stopped'
      return unreachable('ETIMEDOUT', `port ${remotePort} ${problem}`)
    }
    await new Promise((resolve) => {
      setTimeout(resolve, delayMs)
    })
  }
  return unreachable('ECONNRESET', `${url} closed the connection before it had proven itself`)
}

/** Nobody to talk to, which says nothing against who is there: as such errors of the system. */
const unreachable = (code: 'ECONNRESET' | 'ETIMEDOUT', problem: string): Error =>
  Object.assign(new Error(problem), { code })

const heldBy = (port: number, user: string) =>
  `port ${port} is held by a process of user ${user}, which is neither root nor you: ` +
  'that is not your scheduler, and nothing was sent to it. Choose another port, or set EVERGRID_URL'

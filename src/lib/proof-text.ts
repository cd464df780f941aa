/**
 * What an account shows as its own, whichever way it does: the challenge, and the connection as this end of it sees it. Whoever
 * stands between and passes it on has another connection to the scheduler, and the text is of no use to him.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import { rowAddress } from './tcp-rows.ts'

export type Bound = {
  way: string
  user: string
  challenge: string
  nonce: string
  connection: string
}

export const proofText = ({ way, user, challenge, nonce, connection }: Bound): string =>
  `evergrid proof 1\nway ${way}\nuser ${user}\nchallenge ${challenge}\nnonce ${nonce}\nconnection ${connection}\n`

/**
 * Both ends name a connection alike, and no two have the same name. With TLS by a value that only they can know and that the
 * server's certificate goes into (RFC 9266); else by its two addresses. Null: it has ended.
 */
export function connectionName(socket: Socket, side: 'client' | 'server'): string | null {
  const { localAddress, localPort, remoteAddress, remotePort } = socket
  if (socket.destroyed || !localAddress || !localPort || !remoteAddress || !remotePort) return null
  if ('encrypted' in socket) {
    const label = 'EXPORTER-Channel-Binding'
    const bytes = (socket as TLSSocket).exportKeyingMaterial(32, label, Buffer.alloc(0))
    return `tls-exporter ${bytes.toString('hex')}`
  }
  const here = rowAddress(bare(localAddress), localPort)
  const there = rowAddress(bare(remoteAddress), remotePort)
  const [client, server] = side === 'client' ? [here, there] : [there, here]
  return `tcp ${client} ${server}`
}

/** Of a link-local address: without the interface, which is each end's own. */
const bare = (address: string) => address.replace(/%.*$/, '')

/** Connections over TLS that are handed out only when the far end has shown a certificate of the trusted authority. */
import { connect as connectPlainly, isIP } from 'node:net'
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls'

import { fingerprintOf } from '../lib/authority.ts'
import { addressOf } from '../lib/loopback.ts'
import { NotProven } from './not-proven.ts'
import { trustedAt, type Trusted } from './trusted.ts'

/** How long a scheduler that listens may take until it has shown its certificate. */
const handshakeMs = 10_000

/** Nothing is sent to whoever does not prove to be the scheduler at `url`; rejects with a NotProven, or as the system says. */
export async function secureConnection(url: string, kept?: string): Promise<TLSSocket> {
  const trusted = trustedAt(url, kept)
  if (trusted !== null) return shaken(url, trusted)
  await reached(url)
  throw new NotProven(unknownAuthority(url))
}

/** That nobody listens says more than that nobody would be believed. */
function reached(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectPlainly(addressOf(url))
    socket.setTimeout(handshakeMs, () => socket.destroy(new Error(`${url} does not answer`)))
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
  })
}

function shaken(url: string, trusted: Trusted | null): Promise<TLSSocket> {
  const { host, port } = addressOf(url)
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      minVersion: 'TLSv1.3',
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // Looked at below, while the certificate is still there to be told about.
      rejectUnauthorized: false,
      ...(trusted === null ? {} : { ca: trusted.certificates }),
    })
    socket.setNoDelay(true)
    const late = setTimeout(() => {
      const error = new Error(`${url} accepts connections, and does not speak: it seems stopped`)
      socket.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
    }, handshakeMs)
    socket.once('secureConnect', () => {
      clearTimeout(late)
      const problem = trusted === null || socket.authorized ? null : problemOf(url, socket, trusted)
      if (problem !== null) {
        socket.destroy()
        return reject(problem)
      }
      socket.off('error', failed)
      resolve(socket)
    })
    const failed = (error: Error) => {
      clearTimeout(late)
      reject(speaksPlainly(error) ? new NotProven(noTls(url)) : error)
    }
    socket.once('error', failed)
  })
}

/**
 * The certificate with this fingerprint, as the scheduler at `url` shows it: for who knows the fingerprint and not yet the
 * certificate. Nothing is sent, and nothing of it is believed but the certificate, whose fingerprint says what it is.
 */
export async function authorityShownAt(url: string, fingerprint: string): Promise<string> {
  const socket = await shaken(url, null)
  const shown: string[] = []
  let certificate: PeerCertificate | undefined = socket.getPeerCertificate(true)
  while (certificate?.raw !== undefined && shown.length < 5) {
    shown.push(pemOf(certificate.raw))
    const issuer: PeerCertificate | undefined = Reflect.get(certificate, 'issuerCertificate')
    certificate = issuer === certificate ? undefined : issuer
  }
  socket.destroy()
  const wanted = shown.find((pem) => fingerprintOf(pem) === fingerprint)
  if (wanted !== undefined) return wanted
  throw new NotProven(
    `the scheduler at ${url} does not show the authority with fingerprint ${fingerprint}: it is another grid, ` +
      'or somebody stands between. Nothing was sent to it; compare with "eg tls show" on the machine of the scheduler',
  )
}

const pemOf = (raw: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${raw.toString('base64').replaceAll(/.{64}/g, '$&\n').trim()}\n-----END CERTIFICATE-----\n`

const unknownAuthority = (url: string) =>
  `nothing here says which authority may vouch for the scheduler at ${url}, and nothing was sent to it. Ask who runs the ` +
  'grid for the fingerprint that "eg tls show" prints on the machine of the scheduler, then say "eg tls trust FINGERPRINT"'

/** What, why, what to do. */
function problemOf(url: string, socket: TLSSocket, { certificates, from }: Trusted): NotProven {
  // Declared as an error, and is its code.
  const code = String(socket.authorizationError)
  const shown = socket.getPeerCertificate() as Partial<PeerCertificate>
  const { host } = addressOf(url)
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return new NotProven(
      `the certificate that ${url} shows is good from ${shown.valid_from} to ${shown.valid_to}, and it is ` +
        `${new Date().toISOString()} here: nothing was sent. A scheduler renews its certificate by itself: look at the clocks ` +
        'of both machines and at its log, or restart it',
    )
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new NotProven(
      `the certificate that ${url} shows is not for ${host} but for ${namesIn(shown.subjectaltname)}: nothing was sent. ` +
        `Call it by one of these, or start the scheduler with --tls-name ${host}`,
    )
  }
  const fingerprints = certificates.map(fingerprintOf).join(', ')
  return new NotProven(
    `${url} shows a certificate of another authority than the one that is trusted (fingerprint ${fingerprints}, from ` +
      `${from}; ${code}): it is another grid, or somebody stands between. Nothing was sent. If the grid has a new ` +
      'authority, ask who runs it for the fingerprint, then say "eg tls trust FINGERPRINT"',
  )
}

const namesIn = (text: string | undefined) =>
  (text ?? '').replaceAll(/(?:DNS|IP Address):/g, '') || 'nobody'

const speaksPlainly = ({ code, message }: NodeJS.ErrnoException) =>
  /wrong.version.number|packet.length|http.request|record.too/i.test(`${code} ${message}`)

const noTls = (url: string) =>
  `what listens at ${url} does not speak TLS: nothing was sent. Start the scheduler with --tls, or write http:// if it ` +
  'is on this machine'

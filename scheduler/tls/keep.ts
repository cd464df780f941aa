/** The grid's authority and the scheduler's certificate in the data folder: made when needed, renewed in time. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'

import { certificatesIn, fingerprintOf } from '../../src/lib/authority.ts'
import { readPrivate, takePlace, writePrivate } from '../../src/lib/secret-file.ts'
import type { Pair } from './certificates.ts'

export type Tls = {
  /** PEM of the authority, for all who are to trust it. */
  readonly authority: string
  readonly fingerprint: string
  /** What is to be shown now. */
  readonly shown: Pair
  /** When `shown` ends, ms since 1970. */
  readonly endsAt: number
  /** True where `shown` is another one since: near its end, or a name was missing. */
  renew(now: number): Promise<boolean>
}

export type TlsOptions = {
  dataDir: string
  /** Asked each time: a host may get addresses. */
  names: () => string[]
  now: number
  lifeMs?: number | undefined
  /** A certificate that could not be written serves until the end of the process. */
  onUnwritten?: ((error: Error) => void) | undefined
}

/** Throws where a key could be known to others, or the authority has lost its key. */
export async function openTls(options: TlsOptions): Promise<Tls> {
  const { dataDir } = options
  const authority = await keepAuthority(dataDir, options.now)
  let shown = readShown(dataDir)
  const tls = {
    authority: authority.certificate,
    fingerprint: fingerprintOf(authority.certificate),
    get shown() {
      if (shown === null) throw new Error('no certificate was made')
      return shown
    },
    get endsAt() {
      return Date.parse(new X509Certificate(tls.shown.certificate).validTo)
    },
    async renew(now: number) {
      if (shown !== null && isGood(shown, authority, options.names(), now)) return false
      const { issue } = await import('./certificates.ts')
      shown = await issue(authority, options.names(), now, options.lifeMs)
      try {
        keep(join(dataDir, 'certificate.pem'), shown.key + shown.certificate)
      } catch (error) {
        options.onUnwritten?.(error as Error)
      }
      return true
    },
  }
  await tls.renew(options.now)
  return tls
}

/** The key is written first: without its certificate it is what a first start left that was cut short. */
async function keepAuthority(folder: string, now: number): Promise<Pair> {
  const [path, keyPath] = [join(folder, 'authority.pem'), join(folder, 'authority-key.pem')]
  const [certificate] = certificatesIn(readPrivate(path) ?? '')
  const key = readPrivate(keyPath)
  if (certificate !== undefined) {
    if (key === null || !isKeyOf(certificate, key))
      throw new Error(
        `${keyPath} is not there, or is not the key of the authority in ${path}. Put it back from a backup; or ` +
          'remove both, and all nodes and clients must be told to trust a new authority',
      )
    return { certificate: `${certificate}\n`, key }
  }
  const { makeAuthority } = await import('./certificates.ts')
  const made = await makeAuthority(now)
  keep(keyPath, made.key)
  keep(path, made.certificate)
  return made
}

function isKeyOf(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function keep(path: string, text: string): void {
  writePrivate(`${path}.new`, text)
  takePlace(`${path}.new`, path)
}

/** Key and certificate stand in one file, so that they always belong together. */
function readShown(folder: string): Pair | null {
  const text = readPrivate(join(folder, 'certificate.pem')) ?? ''
  const key = /-----BEGIN PRIVATE KEY-----[^]+?-----END PRIVATE KEY-----\n?/.exec(text)?.[0]
  const certificates = certificatesIn(text)
  if (key === undefined || certificates.length !== 2) return null
  return { certificate: certificates.map((pem) => `${pem}\n`).join(''), key }
}

/** Renewed at two thirds of its life; names that it has besides the wanted ones do no harm until then. */
function isGood(shown: Pair, authority: Pair, names: readonly string[], now: number): boolean {
  const leaf = new X509Certificate(shown.certificate)
  const issuer = new X509Certificate(authority.certificate)
  if (!leaf.checkIssued(issuer) || !leaf.verify(issuer.publicKey)) return false
  const [from, to] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)]
  if (now < from || now >= to - (to - from) / 3) return false
  return names.every((name) =>
    name.includes(':') || /^[\d.]+$/.test(name)
      ? leaf.checkIP(name) !== undefined
      : leaf.checkHost(name, { wildcards: false }) !== undefined,
  )
}

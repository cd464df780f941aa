/** Makes certificates: a grid's own authority, and what its scheduler shows. The only file that knows node-forge. */
import { generateKeyPair, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'

import forge from 'node-forge'

/** PEM both; a server's certificate has its authority's behind it. */
export type Pair = { certificate: string; key: string }

const dayMs = 86_400_000
const authorityMs = 20 * 365 * dayMs
const leafMs = 90 * dayMs
/** A node whose clock is behind must not find it too new. */
const backdatedMs = dayMs

const newKeys = promisify(generateKeyPair)
const keyPair = (modulusLength: number) =>
  newKeys('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })

/** A new authority, named apart from all others. */
export async function makeAuthority(now: number): Promise<Pair> {
  const keys = await keyPair(3072)
  const name = [
    { name: 'commonName', value: `Evergrid authority ${randomBytes(6).toString('hex')}` },
  ]
  const made = blank(keys.publicKey, now, now + authorityMs)
  made.setSubject(name)
  made.setIssuer(name)
  made.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
  ])
  return sealed(made, keys.privateKey, keys.privateKey)
}

/** What a scheduler shows under `names` (host names and addresses) for `lifeMs`. */
export async function issue(
  authority: Pair,
  names: readonly string[],
  now: number,
  lifeMs = leafMs,
): Promise<Pair> {
  const keys = await keyPair(2048)
  const issuer = forge.pki.certificateFromPem(authority.certificate)
  const end = Math.min(now + lifeMs, issuer.validity.notAfter.getTime())
  const made = blank(keys.publicKey, now, end)
  made.setSubject([{ name: 'commonName', value: 'Evergrid scheduler' }])
  made.setIssuer(issuer.subject.attributes)
  made.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectKeyIdentifier' },
    {
      name: 'authorityKeyIdentifier',
      keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes(),
    },
    {
      name: 'subjectAltName',
      altNames: names.map((name) =>
        isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name },
      ),
    },
  ])
  const { certificate, key } = sealed(made, authority.key, keys.privateKey)
  return { certificate: certificate + authority.certificate, key }
}

function blank(publicKey: string, now: number, end: number): forge.pki.Certificate {
  const made = forge.pki.createCertificate()
  made.publicKey = forge.pki.publicKeyFromPem(publicKey)
  made.serialNumber = serial()
  made.validity.notBefore = new Date(now - backdatedMs)
  made.validity.notAfter = new Date(end)
  return made
}

/** Positive, and as short as its number is: the first byte is from 0x40 to 0x7f. */
function serial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

function sealed(made: forge.pki.Certificate, signer: string, key: string): Pair {
  made.sign(forge.pki.privateKeyFromPem(signer), forge.md.sha256.create())
  return { certificate: forge.pki.certificateToPem(made).replaceAll('\r', ''), key }
}

/** Authorities as text: certificates in PEM, and the fingerprints by which people and join tokens name them. */
import { X509Certificate } from 'node:crypto'

const block = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** The certificates in a text, each as PEM; what cannot be read is none. */
export function certificatesIn(text: string): string[] {
  return (text.match(block) ?? []).filter((pem) => {
    try {
      return new X509Certificate(pem).raw.length > 0
    } catch {
      return false
    }
  })
}

/** SHA-256 of the certificate: 64 hex digits. */
export const fingerprintOf = (pem: string): string =>
  plainFingerprint(new X509Certificate(pem).fingerprint256) ?? ''

/** As people write it, in capitals or with colons, as 64 hex digits; null where it is none. */
export function plainFingerprint(text: string): string | null {
  const digits = text
    .trim()
    .replace(/^sha-?256:/i, '')
    .replaceAll(':', '')
    .toLowerCase()
  return /^[0-9a-f]{64}$/.test(digits) ? digits : null
}

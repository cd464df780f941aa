/**
 * Sealed texts: AES-256-GCM (NIST SP 800-38D) under a key of 32 bytes, as base64 of nonce (12 bytes), ciphertext and
 * tag (16 bytes). `about` is bound to the text: a sealed text opens only under the name that it was sealed for.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const cipher = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

export function seal(key: Buffer, about: string, text: string): string {
  const nonce = randomBytes(nonceBytes)
  const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes })
  sealing.setAAD(Buffer.from(about))
  const parts = [nonce, sealing.update(text, 'utf8'), sealing.final(), sealing.getAuthTag()]
  return Buffer.concat(parts).toString('base64')
}

/** Null where it was sealed with another key or for another name, or is damaged. */
export function unseal(key: Buffer, about: string, sealed: string): string | null {
  const bytes = Buffer.from(sealed, 'base64')
  if (bytes.length < nonceBytes + tagBytes) return null
  const opening = createDecipheriv(cipher, key, bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  })
  opening.setAAD(Buffer.from(about))
  opening.setAuthTag(bytes.subarray(-tagBytes))
  try {
    return opening.update(bytes.subarray(nonceBytes, -tagBytes)).toString() + opening.final('utf8')
  } catch {
    return null
  }
}

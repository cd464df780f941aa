/**
 * The proof of identity on one machine. The client makes a folder of its own, named by the challenge, in the
 * grid's proof folder and writes the nonce into a file there. A file alone would prove little: whoever finds
 * a file of somebody else's can rename it to any place; a folder leaves its parent only by its owner's hand.
 */
import { join } from 'node:path'

/** Fixed by the port, so that no scheduler can send a client elsewhere to write. */
export const proofFolderOf = (port: number): string => `/run/evergrid/proof-${port}`
export const proofFileOf = (folder: string, challenge: string): string =>
  join(folder, challenge, 'nonce')
/** Root's, entered and written into by all, listed by nobody, and nobody removes another's entry. */
export const proofFolderMode = 0o1733

/** Of a home that is shared: in a folder that its owner keeps there, of mode 0700. */
export const homeProofFolderOf = (home: string): string => join(home, '.evergrid-proof')
export const homeProofFileOf = (home: string, challenge: string): string =>
  join(homeProofFolderOf(home), challenge)

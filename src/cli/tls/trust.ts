/** `eg tls trust`: from now on this authority vouches for the scheduler; first contact is never believed by itself. */
import { readFileSync } from 'node:fs'

import { certificatesIn, fingerprintOf, plainFingerprint } from '../../lib/authority.ts'
import { CommandError, defineCommand, UsageError } from '../command.ts'
import { json } from '../render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…] FINGERPRINT|FILE',
  options: {},
  operands: [1, 1],
  notes: `FINGERPRINT is what "eg tls show" prints on the machine of the scheduler: get it from who runs the grid, not over the
network in question. The authority itself is then fetched from the scheduler (--url), and kept only if it has that
fingerprint. FILE is the authority itself, authority.pem of the scheduler's data folder. It counts for this
URL alone: of root for all accounts of this machine, in /etc/evergrid/authorities; of others for themselves, in
evergrid/authorities of the XDG config folder.`,
  async run({ values, operands: [said = ''], terminal, client }) {
    const { url } = await client()
    if (!url.startsWith('https:'))
      throw new UsageError(`${url} is plain HTTP, where no authority vouches: say --url https://…`)
    const [{ authorityShownAt }, { trust }] = await Promise.all([
      import('../../client/secure-connection.ts'),
      import('../../client/trusted.ts'),
    ])
    const fingerprint = plainFingerprint(said)
    const certificates =
      fingerprint === null
        ? certificatesOf(said)
        : [await authorityShownAt(url, fingerprint).catch(notShown(url))]
    const path = trust(url, certificates)
    const fingerprints = certificates.map(fingerprintOf)
    if (values.json) terminal.out(json({ url, fingerprints, file: path }))
    else terminal.out(`trusted for ${url}: ${fingerprints.join(', ')}, kept in ${path}\n`)
    return 0
  },
})

function certificatesOf(file: string): string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandError(
      `"${file}" is neither a fingerprint (64 hex digits) nor a file that can be read: ${(error as Error).message}`,
    )
  }
  const certificates = certificatesIn(text)
  if (certificates.length > 0) return certificates
  throw new CommandError(`${file} holds no certificate in PEM`, {
    hint: "take authority.pem of the scheduler's data folder",
  })
}

const notShown = (url: string) => (error: NodeJS.ErrnoException) => {
  const words = error.code === 'EVERGRID_NOT_PROVEN' ? '' : `cannot reach ${url}: `
  throw new CommandError(`${words}${error.message}`, { exit: 3 })
}

/** `eg tls show`: which authority is trusted to vouch for the scheduler, who said so, and what the scheduler shows. */
import { X509Certificate } from 'node:crypto'

import { fingerprintOf } from '../../lib/authority.ts'
import { CommandError, defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { facts, type Cell, type Look } from '../render/table.ts'
import { timeText } from '../words.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  notes: `On the machine of the scheduler the fingerprint is that of the grid: what nodes and people elsewhere are told to trust.`,
  async run({ values, terminal, client }) {
    const { url } = await client()
    if (!url.startsWith('https:')) {
      throw new CommandError(`${url} is plain HTTP: no authority vouches for the scheduler there`, {
        hint: 'start it with --tls, and say --url https://… where it is not on this machine',
      })
    }
    const [{ secureConnection }, { trustedAt }] = await Promise.all([
      import('../../client/secure-connection.ts'),
      import('../../client/trusted.ts'),
    ])
    const trusted = trustedAt(url)
    const authorities = (trusted?.certificates ?? []).map((pem) => ({
      fingerprint: fingerprintOf(pem),
      goodUntil: endOf(pem),
    }))
    const shown = await secureConnection(url).then(
      (socket) => {
        const certificate = socket.getPeerX509Certificate()
        socket.destroy()
        return certificate === undefined ? null : shownBy(certificate)
      },
      (error: Error) => ({ problem: error.message }),
    )
    const told = { url, authorities, from: trusted?.from ?? null, shown }
    if (values.json) terminal.out(json(told))
    else terminal.out(words(told, terminal))
    return shown !== null && 'problem' in shown ? 1 : 0
  },
})

const endOf = (pem: string) => new Date(new X509Certificate(pem).validTo).toISOString()

const shownBy = (certificate: X509Certificate) => ({
  names: (certificate.subjectAltName ?? '').replaceAll(/(?:DNS|IP Address):/g, '').split(', '),
  goodUntil: new Date(certificate.validTo).toISOString(),
})

type Told = {
  url: string
  authorities: { fingerprint: string; goodUntil: string }[]
  from: string | null
  shown: ReturnType<typeof shownBy> | { problem: string } | null
}

function words({ url, authorities, from, shown }: Told, look: Look): string {
  const entries: [string, Cell | null][] = [['scheduler', url]]
  for (const { fingerprint, goodUntil } of authorities)
    entries.push(['authority', fingerprint], ['good until', timeText(goodUntil)])
  entries.push(['trusted by', from ?? 'nobody'])
  if (shown !== null && 'problem' in shown) {
    entries.push(['problem', { text: shown.problem, tone: 'bad' }])
  } else if (shown !== null) {
    entries.push(['certificate for', shown.names.join(', ')])
    entries.push(['good until', timeText(shown.goodUntil)])
  }
  return facts(entries, look)
}

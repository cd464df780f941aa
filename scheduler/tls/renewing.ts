/** Looks now and then whether the certificate must be another one, and shows that from then on. */
import type { Cancel, Clock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import type { Pair } from './certificates.ts'
import type { Tls } from './keep.ts'

const everyMs = 3_600_000

/** Returns what ends it. */
export function keepRenewed(options: {
  tls: Pick<Tls, 'renew' | 'shown' | 'endsAt'>
  clock: Clock
  show: (shown: Pair) => void
  log: Log
}): Cancel {
  const { tls, clock, show, log } = options
  let cancel: Cancel
  const look = async () => {
    try {
      if (await tls.renew(clock.now())) {
        show(tls.shown)
        const detail = `good until ${new Date(tls.endsAt).toISOString()}`
        log.info({ event: 'certificate-renewed', detail })
      }
    } catch (error) {
      log.error({ event: 'certificate-not-renewed', error: String(error) })
    }
  }
  const again = () => {
    cancel = clock.after(everyMs, () => {
      again()
      void look()
    })
  }
  again()
  return () => cancel()
}

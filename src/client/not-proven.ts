/** The far end is not the scheduler, or nothing proves that it is: nothing was sent. */
export class NotProven extends Error {
  readonly code = 'EVERGRID_NOT_PROVEN'
  override readonly name = 'NotProven'
}

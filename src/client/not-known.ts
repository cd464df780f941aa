/** The scheduler does not know the caller, and here is why. */
export class NotKnown extends Error {
  readonly code = 'EVERGRID_NOT_KNOWN'
  override readonly name = 'NotKnown'
}

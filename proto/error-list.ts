/** The closed list of what can go wrong on the wire: each code with its HTTP status, exit status and title. */

export const errorList = {
  invalid: { status: 400, exit: 2, title: 'The request is not well formed' },
  unauthenticated: { status: 401, exit: 4, title: 'The scheduler does not know who you are' },
  forbidden: { status: 403, exit: 4, title: 'You are not allowed to do this' },
  'not-found': { status: 404, exit: 5, title: 'There is no such thing' },
  'name-taken': { status: 409, exit: 1, title: 'The name is taken' },
  'wrong-state': { status: 409, exit: 1, title: 'This cannot be done in the present state' },
  'wrong-grid': { status: 409, exit: 1, title: 'This node belongs to another grid' },
  'wrong-protocol': { status: 409, exit: 1, title: 'This node speaks another protocol' },
  'node-refused': { status: 409, exit: 1, title: 'Another machine already uses this node name' },
  'cursor-gone': { status: 410, exit: 1, title: 'That position is no longer kept' },
  'too-large': { status: 413, exit: 2, title: 'The request is too large' },
  'can-never-run': { status: 422, exit: 1, title: 'No node of this grid could ever run this' },
  refused: { status: 422, exit: 1, title: 'The scheduler refuses this' },
  'key-reused': { status: 422, exit: 1, title: 'The idempotency key was used for another request' },
  'over-quota': { status: 429, exit: 1, title: 'A limit is reached' },
  'too-many-requests': { status: 429, exit: 1, title: 'Too many requests' },
  internal: { status: 500, exit: 1, title: 'The scheduler failed' },
  'read-only': { status: 503, exit: 1, title: 'The scheduler cannot write its database' },
  unavailable: { status: 503, exit: 3, title: 'The scheduler is not ready' },
  'node-silent': { status: 504, exit: 1, title: 'The node does not answer' },
} as const satisfies Record<string, { status: number; exit: number; title: string }>

export type ErrorCode = keyof typeof errorList
export const errorCodes = Object.keys(errorList) as ErrorCode[]

/** A refusal as a value: what is wrong and why, and what to do about it. */
export type Refusal = { code: ErrorCode; detail: string; hint?: string }

/** Exit statuses of `eg`; `eg wait` and `--wait` end as the job did, 125 for the client's own failures. */
export const exitStatus = {
  done: 0,
  refused: 1,
  usage: 2,
  unreachable: 3,
  notAllowed: 4,
  notFound: 5,
  waitFailed: 125,
} as const

/** What a call can end in besides its reply: refused by the scheduler, or the scheduler not reached. */
import { errorList, exitStatus, type ErrorCode } from '../../proto/error-list.ts'
import type { Problem } from '../../proto/errors.ts'

/** The scheduler answered with a problem, or was not reached (`code` is then `unreachable`). */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: ErrorCode | 'unreachable'
  /** What is wrong and why. */
  readonly detail: string
  /** What to do about it. */
  readonly hint: string | null
  /** What `eg` exits with. */
  readonly exit: number

  constructor(
    code: ErrorCode | 'unreachable',
    detail: string,
    hint: string | null = null,
    cause?: unknown,
  ) {
    super(detail, cause === undefined ? undefined : { cause })
    this.code = code
    this.detail = detail
    this.hint = hint
    this.exit = code === 'unreachable' ? exitStatus.unreachable : errorList[code].exit
  }

  /** As RFC 9457 problem details, for programs. */
  toProblem(): Omit<Problem, 'code' | 'status'> & { code: string; status: number | null } {
    const known = this.code === 'unreachable' ? null : errorList[this.code]
    return {
      type: `urn:evergrid:error:${this.code}`,
      title: known?.title ?? 'The scheduler cannot be reached',
      status: known?.status ?? null,
      detail: this.detail,
      code: this.code,
      ...(this.hint === null ? {} : { hint: this.hint }),
    }
  }
}

/** A reply of another status than 2xx, as an error; what is not a problem of ours is shown as it came. */
export function refusalOf(status: number, text: string, url: string): ClientError {
  const problem = parseProblem(text)
  if (problem !== null) return new ClientError(problem.code, problem.detail, problem.hint ?? null)
  const code: ErrorCode =
    status === 401 ? 'unauthenticated' : status === 404 ? 'not-found' : 'internal'
  const said = text.trim().slice(0, 300)
  return new ClientError(
    code,
    `${url} answered with status ${status}${said === '' ? '' : `: ${said}`}`,
    'is this the address of an Evergrid scheduler?',
  )
}

function parseProblem(text: string): Problem | null {
  try {
    const found = JSON.parse(text) as Partial<Problem> | null
    const known = found !== null && typeof found.code === 'string' && found.code in errorList
    return known && typeof found.detail === 'string' ? (found as Problem) : null
  } catch {
    return null
  }
}

/** Nobody answers: what is known about it, in a sentence. */
export function unreachable(url: string, cause: unknown): ClientError {
  const { code, message } = cause as NodeJS.ErrnoException
  const why =
    code === 'ECONNREFUSED'
      ? 'nothing listens there'
      : code === 'ENOTFOUND'
        ? 'there is no host of that name'
        : code === 'ECONNRESET'
          ? 'it closed the connection'
          : message
  return new ClientError(
    'unreachable',
    `cannot reach the scheduler at ${url}: ${why}`,
    'start a grid on this machine with "eg up", or set EVERGRID_URL to where one runs',
    cause,
  )
}

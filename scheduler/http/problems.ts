/** Refusals on the wire: RFC 9457 problem details with our code and hint. */
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'

import { errorList, problemOf, type Refusal } from '../../proto/errors.ts'
import type { Log } from '../../src/lib/log.ts'
import type { BrainDoor } from '../brain/door.ts'

export function sendProblem(
  reply: FastifyReply,
  refusal: Refusal,
  retryAfterMs = 1000,
): FastifyReply {
  const { status } = errorList[refusal.code]
  if (status === 401) void reply.header('www-authenticate', 'Bearer')
  if (status === 429 || status === 503)
    void reply.header('retry-after', String(Math.ceil(retryAfterMs / 1000)))
  return reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(refusal)))
}

export const readOnly = (why: string): Refusal => ({
  code: 'read-only',
  detail: why,
  hint: 'reading still works; changes are taken again as soon as the database can be written',
})

/** Waits for the commit. What could not be committed has not happened, so far as anybody outside may know. */
export async function unsettled(door: BrainDoor): Promise<Refusal | null> {
  try {
    await door.settled()
    return null
  } catch (error) {
    return readOnly(
      door.readOnlyBecause() ?? (error instanceof Error ? error.message : String(error)),
    )
  }
}

/** What Fastify refuses by itself, and what fails by our own fault, in the same words as all else. */
export function speakProblems(server: FastifyInstance, log: Log): void {
  server.setErrorHandler((error: FastifyError, request, reply) => {
    if (reply.sent) return undefined
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      const detail = `a request may hold ${server.initialConfig.bodyLimit} bytes`
      return sendProblem(reply, { code: 'too-large', detail })
    }
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return sendProblem(reply, { code: 'invalid', detail: error.message })
    }
    log.error({ event: 'request-failed', error: String(error.stack), detail: request.url })
    return sendProblem(reply, { code: 'internal', detail: 'the scheduler’s log says more' })
  })
  server.setNotFoundHandler((request, reply) =>
    sendProblem(reply, {
      code: 'not-found',
      detail: `there is no ${request.method} ${request.url.split('?')[0]} here`,
    }),
  )
}

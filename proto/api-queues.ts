/** The routes of queues. */
import { Type } from 'typebox'

import { QueueEdit, QueueRequest, QueueView } from './queue.ts'
import { changeErrors, nothing, Reason, route } from './route.ts'

const byQueue = Type.Object({ queue: Type.String({ maxLength: 200 }) })
const change = { access: 'operator', query: nothing, errors: [...changeErrors, 'refused'] } as const

export const queueRoutes = {
  listQueues: route({
    method: 'GET',
    path: '/v1/queues',
    summary: 'All queues, highest priority first',
    access: 'user',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Type.Object({ queues: Type.Array(QueueView) }),
    errors: ['unauthenticated'],
  }),
  showQueue: route({
    method: 'GET',
    path: '/v1/queues/:queue',
    summary: 'A queue, and what is in it',
    access: 'user',
    params: byQueue,
    query: nothing,
    body: nothing,
    reply: QueueView,
    errors: ['unauthenticated', 'not-found'],
  }),
  addQueue: route({
    ...change,
    method: 'POST',
    path: '/v1/queues',
    summary: 'Add a queue',
    params: nothing,
    body: QueueRequest,
    reply: QueueView,
    errors: [...change.errors, 'name-taken'],
  }),
  editQueue: route({
    ...change,
    method: 'PATCH',
    path: '/v1/queues/:queue',
    summary: 'Change a queue: what waits in it is judged anew, what runs goes on',
    params: byQueue,
    body: QueueEdit,
    reply: QueueView,
  }),
  closeQueue: route({
    ...change,
    method: 'POST',
    path: '/v1/queues/:queue/close',
    summary: 'Nothing of it starts until it is opened; jobs are still taken',
    params: byQueue,
    body: Reason,
    reply: QueueView,
  }),
  openQueue: route({
    ...change,
    method: 'POST',
    path: '/v1/queues/:queue/open',
    summary: 'Its jobs start again',
    params: byQueue,
    body: nothing,
    reply: QueueView,
  }),
  removeQueue: route({
    ...change,
    method: 'DELETE',
    path: '/v1/queues/:queue',
    summary: 'Remove a queue that nothing uses',
    params: byQueue,
    body: nothing,
    reply: nothing,
  }),
}

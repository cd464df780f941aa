/** The routes of who gets what: quotas and fair shares. */
import { Type } from 'typebox'

import { QuotaRequest, QuotaRule, QuotaView } from './quota.ts'
import { changeErrors, nothing, route } from './route.ts'
import { SharesRequest, SharesView } from './shares.ts'

const Rules = Type.Object({ rules: Type.Array(QuotaRule) })

export const quotaRoutes = {
  showShares: route({
    method: 'GET',
    path: '/v1/shares',
    summary: 'Who used how much of late, and so goes first',
    access: 'user',
    scope: 'operate',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: SharesView,
    errors: ['unauthenticated'],
  }),
  setShares: route({
    method: 'POST',
    path: '/v1/shares',
    summary: 'Set what owners and groups weigh, and how fast use is forgotten',
    access: 'manager',
    params: nothing,
    query: nothing,
    body: SharesRequest,
    reply: SharesView,
    errors: [...changeErrors, 'unavailable'],
  }),
  showQuota: route({
    method: 'GET',
    path: '/v1/quota',
    summary: 'What an owner may use, what it uses, and which of its jobs use most',
    access: 'user',
    params: nothing,
    query: Type.Object({ owner: Type.Optional(Type.String({ maxLength: 256 })) }),
    body: nothing,
    reply: QuotaView,
    errors: ['unauthenticated'],
  }),
  listQuotas: route({
    method: 'GET',
    path: '/v1/quotas',
    summary: 'All that was said about quotas beside what is built in',
    access: 'user',
    scope: 'operate',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Rules,
    errors: ['unauthenticated'],
  }),
  setQuota: route({
    method: 'POST',
    path: '/v1/quotas',
    summary: 'Set limits: operators for a time and one owner, managers for good and for anybody',
    access: 'operator',
    params: nothing,
    query: nothing,
    body: QuotaRequest,
    reply: Rules,
    errors: [...changeErrors, 'refused'],
  }),
}

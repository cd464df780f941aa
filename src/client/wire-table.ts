/**
 * Method, path and shape of every route, without the schemas: those take longer to load than `eg` may take to
 * start. The compiler holds each line equal to proto/api.
 */
import type { RouteName, routes } from '../../proto/api.ts'

type Routes = typeof routes
type ShapeOf<N extends RouteName> = Routes[N] extends { shape: infer S } ? [S] : []
type Lines = {
  [N in RouteName]: readonly [Routes[N]['method'], Routes[N]['path'], ...ShapeOf<N>]
}

export const wireTable = {
  submitJob: ['POST', '/v1/jobs'],
  listJobs: ['GET', '/v1/jobs'],
  showJob: ['GET', '/v1/jobs/:job'],
  explainJob: ['GET', '/v1/jobs/:job/explain'],
  waitJob: ['GET', '/v1/jobs/:job/wait'],
  readLog: ['GET', '/v1/jobs/:job/log'],
  editJob: ['PATCH', '/v1/jobs/:job'],
  stopJobs: ['POST', '/v1/jobs/stop'],
  holdJobs: ['POST', '/v1/jobs/hold'],
  releaseJobs: ['POST', '/v1/jobs/release'],
  suspendJobs: ['POST', '/v1/jobs/suspend'],
  resumeJobs: ['POST', '/v1/jobs/resume'],
  restartJobs: ['POST', '/v1/jobs/restart'],
  addSchedule: ['POST', '/v1/schedules'],
  listSchedules: ['GET', '/v1/schedules'],
  showSchedule: ['GET', '/v1/schedules/:schedule'],
  nextFirings: ['GET', '/v1/schedules/:schedule/next'],
  editSchedule: ['PATCH', '/v1/schedules/:schedule'],
  pauseSchedule: ['POST', '/v1/schedules/:schedule/pause'],
  resumeSchedule: ['POST', '/v1/schedules/:schedule/resume'],
  runSchedule: ['POST', '/v1/schedules/:schedule/run'],
  removeSchedule: ['DELETE', '/v1/schedules/:schedule'],
  showCrontab: ['GET', '/v1/crontab'],
  replaceCrontab: ['POST', '/v1/crontab'],
  showClock: ['GET', '/v1/clock'],
  confirmClock: ['POST', '/v1/clock/confirm'],
  listNodes: ['GET', '/v1/nodes'],
  showNode: ['GET', '/v1/nodes/:node'],
  cordonNode: ['POST', '/v1/nodes/:node/cordon'],
  uncordonNode: ['POST', '/v1/nodes/:node/uncordon'],
  drainNode: ['POST', '/v1/nodes/:node/drain'],
  undrainNode: ['POST', '/v1/nodes/:node/undrain'],
  loseNode: ['POST', '/v1/nodes/:node/lost'],
  removeNode: ['DELETE', '/v1/nodes/:node'],
  showShares: ['GET', '/v1/shares'],
  showQuota: ['GET', '/v1/quota'],
  listQuotas: ['GET', '/v1/quotas'],
  setQuota: ['POST', '/v1/quotas'],
  report: ['POST', '/v1/node/report'],
  orders: ['GET', '/v1/node/orders', 'ndjson'],
  answer: ['POST', '/v1/node/answers/:id'],
  grid: ['GET', '/v1/grid'],
  whoAmI: ['GET', '/v1/whoami'],
  login: ['POST', '/v1/login'],
  prove: ['POST', '/v1/login/proof'],
  events: ['GET', '/v1/events', 'sse'],
  listRoles: ['GET', '/v1/roles'],
  grantRole: ['POST', '/v1/roles'],
  revokeRole: ['DELETE', '/v1/roles/:owner'],
  listTokens: ['GET', '/v1/tokens'],
  createToken: ['POST', '/v1/tokens'],
  revokeToken: ['DELETE', '/v1/tokens/:token'],
  listAudit: ['GET', '/v1/audit'],
  healthz: ['GET', '/healthz', 'text'],
  readyz: ['GET', '/readyz', 'text'],
  metrics: ['GET', '/metrics', 'text'],
} as const satisfies Lines

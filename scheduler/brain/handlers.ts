/** One handler for each route that the brain answers. */
import { iso } from '../../proto/ids.ts'
import { upcoming } from '../core/cron/next-due.ts'
import { done, type Result } from '../core/result.ts'
import type { LiveNode } from '../state/live-node.ts'
import type { LiveSchedule } from '../state/live-schedule.ts'
import { act } from './actions.ts'
import type { AskDesk } from './ask-desk.ts'
import type { Handlers } from './call.ts'
import type { BrainContext } from './context.ts'
import { replaceCrontab, showCrontab } from './crontab.ts'
import { drainNode } from './drains.ts'
import { editJob } from './edit.ts'
import { allNodes, nodeView } from './node-view.ts'
import { confirmLost, cordon, findNode, removeNode, uncordon, undrain } from './nodes.ts'
import {
  addQueue,
  closeQueue,
  editQueue,
  listQueues,
  onQueue,
  openQueue,
  removeQueue,
  showQueue,
} from './queues.ts'
import { listQuotas, setQuota, showQuota } from './quota.ts'
import { readLog } from './read-log.ts'
import { explainJob, listJobs, waitJob } from './reads.ts'
import { takeReport } from './report.ts'
import { listResources, removeResource, setResource, showResource } from './resources.ts'
import { rightsHandlers, type RightsRoute } from './rights-handlers.ts'
import {
  addSchedule,
  editSchedule,
  findSchedule,
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  runSchedule,
  showSchedule,
  summary,
} from './schedules.ts'
import { setShares, showShares } from './share-weights.ts'
import { showJob } from './show.ts'
import { submitAfterLookup } from './submit.ts'
import { clockView, confirmWallClock } from './wall-clock.ts'

export function makeHandlers(ctx: BrainContext, asks: AskDesk): Handlers {
  return {
    ...jobHandlers(ctx, asks),
    ...scheduleHandlers(ctx),
    ...nodeHandlers(ctx),
    ...queueHandlers(ctx),
    ...resourceHandlers(ctx),
    ...shareHandlers(ctx),
    ...rightsHandlers(ctx),
  }
}

type JobRoute =
  | 'submitJob'
  | 'listJobs'
  | 'showJob'
  | 'explainJob'
  | 'waitJob'
  | 'readLog'
  | 'editJob'
  | `${'stop' | 'hold' | 'release' | 'suspend' | 'resume' | 'restart'}Jobs`
type NodeRoute =
  | 'listNodes'
  | 'showNode'
  | 'cordonNode'
  | 'uncordonNode'
  | 'drainNode'
  | 'undrainNode'
  | 'loseNode'
  | 'removeNode'
  | 'report'

type QueueRoute = 'listQueues' | `${'show' | 'add' | 'edit' | 'close' | 'open' | 'remove'}Queue`
type ResourceRoute = 'listResources' | `${'show' | 'set' | 'remove'}Resource`
type ShareRoute = 'showShares' | 'setShares' | 'showQuota' | 'listQuotas' | 'setQuota'

/** node2 before node10. */
const byName = new Intl.Collator('en', { numeric: true })

function jobHandlers(ctx: BrainContext, asks: AskDesk): Pick<Handlers, JobRoute> {
  return {
    submitJob: ({ caller, body }) => submitAfterLookup(ctx, caller, body),
    listJobs: (call) => listJobs(ctx, call),
    showJob: (call) => showJob(ctx, call),
    explainJob: (call) => explainJob(ctx, call),
    waitJob: (call) => waitJob(ctx, call),
    readLog: (call) => readLog(ctx, asks, call),
    editJob: ({ caller, params, body }) => editJob(ctx, caller, params.job, body),
    stopJobs: ({ caller, body }) => act(ctx, 'stop', caller, body),
    holdJobs: ({ caller, body }) => act(ctx, 'hold', caller, body),
    releaseJobs: ({ caller, body }) => act(ctx, 'release', caller, body),
    suspendJobs: ({ caller, body }) => act(ctx, 'suspend', caller, body),
    resumeJobs: ({ caller, body }) => act(ctx, 'resume', caller, body),
    restartJobs: ({ caller, body }) => act(ctx, 'restart', caller, body),
  }
}

function scheduleHandlers(
  ctx: BrainContext,
): Omit<Handlers, JobRoute | NodeRoute | QueueRoute | ResourceRoute | ShareRoute | RightsRoute> {
  const on = <T>(
    found: Result<LiveSchedule>,
    then: (schedule: LiveSchedule) => Result<T>,
  ): Result<T> => (found.ok ? then(found.value) : found)
  return {
    addSchedule: ({ caller, body }) => addSchedule(ctx, caller, body),
    listSchedules: ({ caller, query }) => {
      const owner = query.owner ?? (query.all === true ? null : caller.owner)
      const mine = [...ctx.state.schedules.values()].filter(
        (schedule) => owner === null || schedule.owner === owner,
      )
      return done({ schedules: mine.map(summary) })
    },
    showSchedule: async ({ caller, params, query }) => {
      const found = findSchedule(ctx, caller, params.schedule, query.owner)
      return found.ok ? done(await showSchedule(ctx, found.value, query.limit ?? 50)) : found
    },
    nextFirings: ({ caller, params, query }) =>
      on(findSchedule(ctx, caller, params.schedule, query.owner), (schedule) =>
        done({ next: upcoming(schedule.cron, ctx.clock.now(), query.count ?? 10).map(iso) }),
      ),
    editSchedule: ({ caller, params, query, body }) =>
      on(findSchedule(ctx, caller, params.schedule, query.owner), (schedule) =>
        editSchedule(ctx, caller, schedule, body),
      ),
    pauseSchedule: ({ caller, params, query, body }) =>
      on(findSchedule(ctx, caller, params.schedule, query.owner), (schedule) =>
        pauseSchedule(ctx, caller, schedule, body.reason ?? ''),
      ),
    resumeSchedule: ({ caller, params, query }) =>
      on(findSchedule(ctx, caller, params.schedule, query.owner), (schedule) =>
        resumeSchedule(ctx, caller, schedule),
      ),
    runSchedule: ({ caller, params, query }) =>
      on(findSchedule(ctx, caller, params.schedule, query.owner), (schedule) =>
        runSchedule(ctx, caller, schedule),
      ),
    removeSchedule: ({ caller, params, query }) =>
      on(findSchedule(ctx, caller, params.schedule, query.owner), (schedule) =>
        removeSchedule(ctx, caller, schedule),
      ),
    showCrontab: ({ caller }) => showCrontab(ctx, caller),
    replaceCrontab: ({ caller, body }) => replaceCrontab(ctx, caller, body),
    showClock: () => done(clockView(ctx)),
    confirmClock: ({ caller }) => confirmWallClock(ctx, caller),
  }
}

function nodeHandlers(ctx: BrainContext): Pick<Handlers, NodeRoute> {
  const on = <T>(name: string, then: (node: LiveNode) => Result<T>): Result<T> => {
    const found = findNode(ctx, name)
    return found.ok ? then(found.value) : found
  }
  return {
    listNodes: () => {
      const nodes = allNodes(ctx).toSorted((a, b) => byName.compare(a.name, b.name))
      return done({ nodes: nodes.map((node) => nodeView(ctx, node)) })
    },
    showNode: ({ params }) => {
      const shown = allNodes(ctx).find(({ name }) => name === params.node)
      return shown
        ? done(nodeView(ctx, shown))
        : on(params.node, (node) => done(nodeView(ctx, node)))
    },
    cordonNode: ({ caller, params, body }) =>
      on(params.node, (node) => cordon(ctx, caller, node, body.reason ?? '')),
    uncordonNode: ({ caller, params }) => on(params.node, (node) => uncordon(ctx, caller, node)),
    drainNode: ({ caller, params, body }) =>
      on(params.node, (node) => drainNode(ctx, caller, node, body)),
    undrainNode: ({ caller, params }) => on(params.node, (node) => undrain(ctx, caller, node)),
    loseNode: ({ caller, params, body }) =>
      on(params.node, (node) => confirmLost(ctx, caller, node, body.reason ?? '')),
    removeNode: ({ caller, params }) => on(params.node, (node) => removeNode(ctx, caller, node)),
    report: ({ body }) => takeReport(ctx, body),
  }
}

function queueHandlers(ctx: BrainContext): Pick<Handlers, QueueRoute> {
  return {
    listQueues: () => listQueues(ctx),
    showQueue: ({ params }) => showQueue(ctx, params.queue),
    addQueue: ({ caller, body }) => addQueue(ctx, caller, body),
    editQueue: ({ caller, params, body }) => editQueue(ctx, caller, params.queue, body),
    closeQueue: ({ caller, params, body }) =>
      onQueue(ctx, params.queue, (queue) => closeQueue(ctx, caller, queue, body.reason ?? '')),
    openQueue: ({ caller, params }) =>
      onQueue(ctx, params.queue, (queue) => openQueue(ctx, caller, queue)),
    removeQueue: ({ caller, params }) =>
      onQueue(ctx, params.queue, (queue) => removeQueue(ctx, caller, queue)),
  }
}

function resourceHandlers(ctx: BrainContext): Pick<Handlers, ResourceRoute> {
  return {
    listResources: () => listResources(ctx),
    showResource: ({ params }) => showResource(ctx, params.resource),
    setResource: ({ caller, body }) => setResource(ctx, caller, body),
    removeResource: ({ caller, params, query }) =>
      removeResource(ctx, caller, params.resource, query.node ?? null),
  }
}

function shareHandlers(ctx: BrainContext): Pick<Handlers, ShareRoute> {
  return {
    showQuota: ({ caller, query }) => showQuota(ctx, query.owner ?? caller.owner),
    showShares: () => showShares(ctx),
    setShares: ({ caller, body }) => setShares(ctx, caller, body),
    listQuotas: () => listQuotas(ctx),
    setQuota: ({ caller, body }) => setQuota(ctx, caller, body),
  }
}

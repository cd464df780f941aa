/** Every route of the HTTP API, `/v1`. Lists are keyset-paged: pass `next` back as `page`. */
import { crontabRoutes } from './api-crontab.ts'
import { exchangeRoutes } from './api-exchange.ts'
import { gridRoutes } from './api-grid.ts'
import { jobRoutes } from './api-jobs.ts'
import { nodeIdentityRoutes } from './api-node-identity.ts'
import { nodeRoutes } from './api-nodes.ts'
import { queueRoutes } from './api-queues.ts'
import { quotaRoutes } from './api-quota.ts'
import { resourceRoutes } from './api-resources.ts'
import { rightsRoutes } from './api-rights.ts'
import { scheduleRoutes } from './api-schedules.ts'
import { sharingRoutes } from './api-sharing.ts'
import { tokenRoutes } from './api-tokens.ts'
import type { Route } from './route.ts'

export const routes = {
  ...jobRoutes,
  ...scheduleRoutes,
  ...crontabRoutes,
  ...nodeRoutes,
  ...nodeIdentityRoutes,
  ...queueRoutes,
  ...quotaRoutes,
  ...resourceRoutes,
  ...exchangeRoutes,
  ...gridRoutes,
  ...rightsRoutes,
  ...tokenRoutes,
  ...sharingRoutes,
} satisfies Record<string, Route>
export type RouteName = keyof typeof routes

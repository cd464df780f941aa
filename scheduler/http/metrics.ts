/** /metrics: how requests went, how the process is, and what the brain counts. */
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

import type { BrainDoor } from '../brain/door.ts'

export type Metrics = {
  /** Prometheus text, with the brain's numbers of now. */
  text(door: BrainDoor): Promise<string>
  contentType: string
  /** Bound once per route: a look-up by labels at each request would cost more than the rest. */
  timerOf(route: string): (status: number, seconds: number) => void
}

export function openMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const seconds = new Histogram({
    name: 'evergrid_http_request_seconds',
    help: 'Time from a request to the end of its reply, commit included',
    labelNames: ['route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers: [registry],
  })
  return {
    contentType: registry.contentType,
    async text(door) {
      return `${await registry.metrics()}\n${await brainNumbers(door)}`
    },
    timerOf(route) {
      const classes = new Map<number, Histogram.Internal<'route' | 'status'>>()
      return (status, took) => {
        const first = Math.floor(status / 100)
        let bound = classes.get(first)
        if (bound === undefined) {
          bound = seconds.labels({ route, status: `${first}xx` })
          classes.set(first, bound)
        }
        bound.observe(took)
      }
    },
  }
}

/** A registry for each reading: what is gone (a node, an owner) leaves no line behind. */
function brainNumbers(door: BrainDoor): Promise<string> {
  const registry = new Registry()
  const gauges = new Map<string, Gauge>()
  for (const { name, help, labels, value } of door.gauges()) {
    let gauge = gauges.get(name)
    if (gauge === undefined) {
      gauge = new Gauge({ name, help, labelNames: Object.keys(labels), registers: [registry] })
      gauges.set(name, gauge)
    }
    gauge.set(labels, value)
  }
  return registry.metrics()
}

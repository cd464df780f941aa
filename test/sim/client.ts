/** Somebody with `eg`: asks again under the same key until an answer comes, as the real client does. */
import type { Caller } from '../../scheduler/brain/call.ts'
import type { Sent } from '../../scheduler/http/idempotency.ts'
import { Host } from './host.ts'
import type { Network } from './network.ts'
import type { Request, RouteOf, SchedulerHost } from './scheduler-host.ts'
import { SimProcess } from './world.ts'

const patienceMs = 3_000
const tries = 8

export class Client {
  readonly host: Host
  readonly #process = new SimProcess('client')
  readonly #network: Network
  readonly #scheduler: SchedulerHost
  #keys = 0

  constructor(network: Network, scheduler: SchedulerHost) {
    this.#network = network
    this.#scheduler = scheduler
    this.host = new Host(network.world, 'client', 0)
  }

  /** Null when nobody answered, or a database that is no longer: what was asked may have been done or not. */
  async ask<N extends RouteOf>(
    route: N,
    caller: Caller,
    request: Request<N>,
  ): Promise<Sent | null> {
    this.#keys += 1
    const key = `key-${this.#keys}`
    const { world } = this.#network
    for (let nth = 0; nth < tries; nth += 1) {
      const call = this.#network.call(
        { host: this.host, process: this.#process, patienceMs },
        this.#scheduler.host,
        () => this.#scheduler.serve(route, caller, structuredClone(request), key),
      )
      const late = world.wait(patienceMs, this.#process).then(() => null)
      const served = await Promise.race([call, late])
      if (served?.kind === 'reply')
        return served.value.database === this.#scheduler.database ? served.value : null
      await world.wait(500 + world.random.delay(1_000), this.#process)
    }
    return null
  }
}

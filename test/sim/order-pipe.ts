/** The stream of orders as TCP carries it: in order, late when packets are lost, and broken at times. */
import type { OrderHandlers } from '../../exec-node/ports.ts'
import type { OrderLine } from '../../proto/sync.ts'
import { noCancel, type Cancel } from '../../src/lib/clock.ts'
import type { Host } from './host.ts'
import type { Network } from './network.ts'
import type { SimProcess } from './world.ts'

const pipeTimes = { pingMs: 4_000, silentMs: 10_000, resendMs: 700 }

export type PipeEnds = {
  network: Network
  node: { host: Host; process: SimProcess }
  scheduler: { host: Host; process: SimProcess }
}

export class OrderPipe {
  isOpen = true
  readonly #ends: PipeEnds
  readonly #handlers: OrderHandlers
  #detach: () => void = () => {}
  #lastArrival = 0
  #silence: Cancel = noCancel
  #ping: Cancel = noCancel

  constructor(ends: PipeEnds, handlers: OrderHandlers) {
    this.#ends = ends
    this.#handlers = handlers
    this.#heard()
  }

  get scheduler(): SimProcess {
    return this.#ends.scheduler.process
  }

  get node(): SimProcess {
    return this.#ends.node.process
  }

  attach(attach: (sink: { send(line: OrderLine): void; close(): void }) => () => void): void {
    if (!this.isOpen) return
    this.#detach = attach({
      send: (line) => this.#send(JSON.stringify(line)),
      close: () => this.#arrive(() => this.#end('the scheduler ended the stream')),
    })
    this.#pingLater()
  }

  /** Reset on the way, or by the end of a process at one of its ends: whom the reset reaches knows at once. */
  reset(why: string): void {
    if (!this.isOpen) return
    const { network, node, scheduler } = this.#ends
    network.world.after(network.delay(), null, () => {
      if (!network.isCut(scheduler.host.name, node.host.name))
        network.world.after(0, node.process, () => this.#end(why))
      if (!network.isCut(node.host.name, scheduler.host.name)) this.#letGo()
    })
  }

  /** The agent lets go of it. */
  close(): void {
    this.isOpen = false
    this.#silence()
    const { network, node, scheduler } = this.#ends
    network.world.after(network.delay(), null, () => {
      if (!network.isCut(node.host.name, scheduler.host.name)) this.#letGo()
    })
  }

  #letGo(): void {
    const { network, scheduler } = this.#ends
    network.world.after(0, scheduler.process, () => {
      this.#ping()
      this.#detach()
      this.#detach = () => {}
    })
  }

  #send(text: string): void {
    const arrive = (): void => {
      if (!this.isOpen) return
      this.#heard()
      this.#handlers.line(JSON.parse(text) as OrderLine)
    }
    this.#arrive(arrive)
    // Whatever stands in between may say a line again, much later.
    const { network, node } = this.#ends
    const { world, faults } = network
    if (world.random.chance(faults.duplicates / 2))
      world.after(world.random.delay(30_000), node.process, arrive)
  }

  /** After all that was sent before it; tried again while the way is cut. */
  #arrive(call: () => void): void {
    const { network, node, scheduler } = this.#ends
    const { world } = network
    const lossMs = network.faults.loss > 0 ? network.delay() * 3 : 0
    this.#lastArrival = Math.max(this.#lastArrival + 0.01, world.now + network.delay() + lossMs)
    const arrive = (): void => {
      if (!this.isOpen || node.process.dead) return
      const stuck =
        network.isCut(scheduler.host.name, node.host.name) ||
        network.isCut(node.host.name, scheduler.host.name)
      if (!stuck) return void world.after(0, node.process, call)
      this.#lastArrival = Math.max(this.#lastArrival, world.now + pipeTimes.resendMs)
      world.after(pipeTimes.resendMs, null, arrive, true)
    }
    world.after(this.#lastArrival - world.now, null, arrive, true)
  }

  #heard(): void {
    this.#silence()
    const { network, node } = this.#ends
    this.#silence = network.world.after(pipeTimes.silentMs, node.process, () =>
      this.#end('the stream fell silent'),
    )
  }

  #pingLater(): void {
    const { network, scheduler } = this.#ends
    this.#ping = network.world.after(pipeTimes.pingMs, scheduler.process, () => {
      if (!this.isOpen) return
      this.#send('{"kind":"ping"}')
      this.#pingLater()
    })
  }

  #end(reason: string): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#silence()
    this.close()
    this.#handlers.closed(reason)
  }
}

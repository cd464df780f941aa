/** Second machines under the name of a first: another one by mistake, or a clone of its whole disk. */
import type { Network } from './network.ts'
import { NodeHost } from './node-host.ts'
import type { Random } from './random.ts'

export class Twins {
  readonly #nodes: NodeHost[]
  readonly #random: Random
  readonly #network: Network
  #made = 0

  /** Twins join the list of nodes, so that whatever they run is looked at too. */
  constructor(nodes: NodeHost[], random: Random, network: Network) {
    this.#nodes = nodes
    this.#random = random
    this.#network = network
  }

  get present(): NodeHost[] {
    return this.#nodes.filter((node) => node.identity.node !== node.name)
  }

  /** Powers up beside the original; null where that one has a twin already. */
  add(original: NodeHost, isClone: boolean): NodeHost | null {
    const { node, machineId, hardware } = original.identity
    const isTaken = this.present.some((twin) => twin.identity.node === node)
    if (isTaken || original.name !== node || original.age < 0) return null
    this.#made += 1
    const name = `${node}~${this.#made}`
    // A clone shares all that is on disk.
    const around = { ...original.around, random: this.#random.fork() }
    // And all that it can say of itself where both are virtual machines of one definition.
    const isAlike = isClone && around.random.chance(0.5)
    const identity = {
      node,
      machineId: isClone ? machineId : `machine-${name}`,
      hardware: isAlike ? hardware : `board-${name}`,
    }
    const twin = new NodeHost(name, original.shape, around, identity)
    twin.host.bootsNow()
    twin.isTwinned = true
    original.isTwinned = true
    if (isClone) original.cloneTo(twin)
    if (isAlike) twin.alike = original.alike.add(name)
    this.#nodes.push(twin)
    const kind = isAlike ? 'a clone with the same board' : isClone ? 'a clone' : 'a twin'
    this.#network.world.note(`${name}: ${kind} of ${node} is switched on`)
    return twin
  }

  /** Switched off for good. */
  remove(twin: NodeHost): void {
    const at = this.#nodes.indexOf(twin)
    if (at < 0) return
    twin.powerOff()
    twin.isGone = true
    this.#nodes.splice(at, 1)
  }
}

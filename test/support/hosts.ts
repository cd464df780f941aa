/** Hosts of a test: network namespaces on one bridge, each with an address and a /run/evergrid of its own. Only root can. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readlinkSync } from 'node:fs'

import { isRoot } from './as-user.ts'
import { until } from './wait.ts'

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] })

/** Whether this machine lets us make such hosts. */
export const canMakeHosts =
  isRoot && spawnSync('unshare', ['--net', '--mount', 'true']).status === 0

export class Hosts {
  readonly #bridge = `eg${process.pid}`
  readonly #anchors: ChildProcess[] = []

  constructor() {
    ip('link', 'add', this.#bridge, 'type', 'bridge')
    ip('link', 'set', this.#bridge, 'up')
  }

  /** What to put before a command so that it runs there. `passwd`: a file with the accounts that it knows. */
  async add(address: string, passwd?: string): Promise<string[]> {
    const accounts = passwd === undefined ? '' : `mount --bind ${passwd} /etc/passwd && `
    const script = `${accounts}mkdir -p /run/evergrid && mount -t tmpfs none /run/evergrid && exec sleep infinity`
    const anchor = spawn('unshare', ['--net', '--mount', 'sh', '-c', script], { stdio: 'ignore' })
    this.#anchors.push(anchor)
    const pid = String(anchor.pid)
    const own = readlinkSync('/proc/self/ns/net')
    await until(() => readlinkSync(`/proc/${pid}/ns/net`) !== own, { what: 'a host' })
    const [here, there] = [`${this.#bridge}-${this.#anchors.length}`, 'eth0']
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', pid)
    ip('link', 'set', here, 'master', this.#bridge, 'up')
    const enter = ['nsenter', `--net=/proc/${pid}/ns/net`, `--mount=/proc/${pid}/ns/mnt`, '--wd=/']
    const inside = (...args: string[]) =>
      execFileSync('nsenter', [...enter.slice(1), 'ip', ...args])
    inside('link', 'set', 'lo', 'up')
    inside('addr', 'add', `${address}/24`, 'dev', there)
    inside('link', 'set', there, 'up')
    const isReady = () =>
      spawnSync('nsenter', [...enter.slice(1), 'mountpoint', '-q', '/run/evergrid']).status === 0
    await until(isReady, { what: 'a folder of its own' })
    return enter
  }

  async end(): Promise<void> {
    for (const anchor of this.#anchors) anchor.kill('SIGKILL')
    await until(() => this.#anchors.every(({ signalCode }) => signalCode !== null))
    ip('link', 'delete', this.#bridge)
  }
}

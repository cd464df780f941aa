/** Mounts that turned read-only, and network mounts that hang. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'

import type { Probe } from './probe.ts'

export type Mount = { device: string; path: string; type: string; readOnly: boolean }

const networkTypes =
  /^(nfs\d?|cifs|smb3?|ceph|lustre|gpfs|afs|9p|glusterfs|fuse\.(sshfs|glusterfs|ceph))$/
const hangMs = 5_000

export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [device, path, type, options] = line.split(' ')
    if (!device || !path || !type || options === undefined) return []
    const readOnly = options.split(',').includes('ro')
    return [{ device, path: unescape(path), type, readOnly }]
  })
}

/** Spaces and their kin stand in octal. */
const unescape = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))

/** The mount that a path stands on. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | null {
  let best: Mount | null = null
  for (const mount of mounts) {
    const holds = path === mount.path || path.startsWith(mount.path.replace(/\/?$/, '/'))
    if (holds && mount.path.length >= (best?.path.length ?? 0)) best = mount
  }
  return best
}

const readMounts = async () => parseMounts(await readFile('/proc/mounts', 'utf8'))

export function readOnlyProbe(paths: readonly string[]): Probe {
  return {
    name: 'read-only-mounts',
    threshold: `failing if any of ${paths.join(', ')} is read-only`,
    async read() {
      const mounts = await readMounts()
      const found = paths.filter((path) => mountOf(mounts, path)?.readOnly === true)
      if (found.length === 0) return { verdict: 'ok', value: 'none' }
      return { verdict: 'critical', value: found.join(', ') }
    },
  }
}

/** Asked in a child, one per mount at a time: what hangs there never holds up the agent. */
export function networkMountProbe(timeoutMs = hangMs, list = readMounts, ask = statMount): Probe {
  const waiting = new Set<string>()
  return {
    name: 'network-mounts',
    threshold: `failing if one does not answer within ${timeoutMs / 1000} s`,
    async read() {
      const mounts = (await list()).filter((mount) => networkTypes.test(mount.type))
      if (mounts.length === 0) return { verdict: 'ok', value: 'none' }
      const hanging: string[] = []
      await Promise.all(
        mounts.map(async ({ path }) => {
          if (waiting.has(path)) return hanging.push(path)
          waiting.add(path)
          const done = ask(path).finally(() => waiting.delete(path))
          const inTime = await Promise.race([done.then(() => true), later(timeoutMs)])
          return inTime ? 0 : hanging.push(path)
        }),
      )
      if (hanging.length > 0) return { verdict: 'failing', value: `hanging: ${hanging.join(', ')}` }
      return { verdict: 'ok', value: `${mounts.length} answer` }
    },
  }
}

function statMount(path: string): Promise<void> {
  return new Promise((resolve) => {
    // An error is an answer too: only silence counts.
    const child = execFile('stat', ['-f', '--', path], { timeout: 0 }, () => resolve())
    child.unref()
  })
}

function later(ms: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), ms).unref()
  })
}

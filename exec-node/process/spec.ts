/** The shepherd's spec from a plan: NUL-terminated `name=value` fields; native/spec.h is the other side. */
import { nativeProgram } from '../../src/lib/native-program.ts'
import { bootId } from './boot.ts'
import type { CgroupPlan, Setting } from './cgroup-driver.ts'
import type { RunPlan } from './run-driver.ts'
import { signalNumber } from './signals.ts'

const stopSignalDefault = 15

export function encodeSpec(plan: RunPlan, cgroup: CgroupPlan, mayChangeUid: boolean): Buffer {
  const { identity, output, time } = plan
  const fields: string[] = [
    `key=${plan.key}`,
    `boot=${bootId}`,
    `setid=${mayChangeUid ? 1 : 0}`,
    `uid=${identity.uid}`,
    `gid=${identity.gid}`,
    `cwd=${plan.cwd}`,
    `umask=${plan.umask}`,
    `tmp=${plan.tmpDir}`,
    `out=${output.out}`,
    `err=${output.err}`,
    `pids=${plan.limits.pids}`,
    `files=${plan.limits.openFiles}`,
    ...(plan.limits.memBytes === null ? [] : [`mem=${Math.round(plan.limits.memBytes)}`]),
    `single=${plan.singleCopy ? 1 : 0}`,
    ...(plan.privateTmp === true ? ['privatetmp=1'] : []),
    `stopsig=${signalNumber(plan.stop.signal) ?? stopSignalDefault}`,
    `grace=${Math.round(plan.stop.graceMs)}`,
    ...identity.groups.map((group) => `groups=${group}`),
    ...plan.argv.map((argument) => `arg=${argument}`),
    ...Object.entries(plan.env).map(([name, value]) => `env=${name}=${value}`),
    ...plan.files.map(({ path, text }) => `file=${path}=${text}`),
    ...cgroupFields(cgroup),
  ]
  if (plan.stdin !== null) fields.push(`in=${plan.stdin}`)
  if (output.kind === 'log')
    fields.push(
      `logger=${nativeProgram('logger')}`,
      `cap=${output.maxBytes}`,
      `keepfiles=${output.keep}`,
    )
  if (time)
    fields.push(
      `limit=${Math.max(1, Math.round(time.limitMs))}`,
      `warn=${Math.round(time.warnMs)}`,
      `warnsig=${signalNumber(time.warnSignal) ?? stopSignalDefault}`,
    )
  const cut = fields.find((field) => field.includes('\0'))
  if (cut !== undefined)
    throw new Error(`a NUL byte cannot be passed on: ${JSON.stringify(cut.slice(0, 80))}`)
  return Buffer.from(`${fields.join('\0')}\0`)
}

const settings = (name: string, all: readonly Setting[]) =>
  all.map(({ path, value }) => `${name}=${path}=${value}`)

function cgroupFields(cgroup: CgroupPlan): string[] {
  return [
    ...cgroup.make.map((path) => `make=${path}`),
    ...settings('set', cgroup.set),
    ...settings('try', cgroup.try),
    ...cgroup.procs.map((path) => `procs=${path}`),
    ...settings('freeze', cgroup.freeze),
    ...settings('thaw', cgroup.thaw),
    ...settings('kill', cgroup.kill),
    ...cgroup.read.map(({ label, path }) => `read=${label}=${path}`),
    ...(cgroup.oom === null ? [] : [`oom=${cgroup.oom}`]),
  ]
}

/** What the driver itself wants to know again from a spec on disk; null when it is damaged. */
export type SpecFacts = {
  bootId: string
  tmpDir: string
  limitMs: number | null
  graceMs: number
  memBytes: number | null
  singleCopy: boolean
  setid: boolean
  identity: string
  /** Of the account that no process of the run can leave: not root's, and stepped down to. */
  boundUid: number | null
}

export function decodeSpec(bytes: Buffer): SpecFacts | null {
  const fields = bytes.toString().split('\0')
  if (fields.pop() !== '') return null
  const values = (name: string) =>
    fields
      .filter((field) => field.startsWith(`${name}=`))
      .map((field) => field.slice(name.length + 1))
  const [boot, tmpDir, uid, gid, grace] = ['boot', 'tmp', 'uid', 'gid', 'grace'].map(
    (name) => values(name)[0],
  )
  if (!boot || tmpDir === undefined || !uid || !gid || !grace || values('arg').length === 0)
    return null
  const limit = values('limit')[0]
  const setid = values('setid')[0] === '1'
  return {
    bootId: boot,
    tmpDir,
    limitMs: limit === undefined ? null : Number(limit),
    graceMs: Number(grace),
    memBytes: Number(values('mem')[0]) || null,
    singleCopy: values('single')[0] === '1',
    setid,
    identity: setid ? `${uid}:${gid}:${values('groups').join(',')}` : '-',
    boundUid: (setid && Number(uid)) || null,
  }
}

/**
 * Liveness over HTTP: a status from 200 to 399 in time is health; nothing is followed, nothing is shown. The
 * address is the owner's choice, so the owner asks for it: a short-lived process under the owner's uid.
 */
import { execFile } from 'node:child_process'

import { words } from './act.ts'
import type { lookUpUser } from './process/identity.ts'
import type { CheckResult } from './process/run-driver.ts'

/** Run by `node -e`, so that it needs no file that the owner may not read. */
const program = `
const [url, timeoutMs] = process.argv.slice(1)
const end = (ok, detail) => { process.stdout.write(JSON.stringify({ ok, detail })); process.exit() }
setTimeout(() => end(false, 'no answer within ' + timeoutMs + ' ms'), Number(timeoutMs))
try {
  const get = require(url.startsWith('https:') ? 'node:https' : 'node:http').get
  get(url, { agent: false }, (response) => end(response.statusCode >= 200 && response.statusCode < 400,
    'status ' + response.statusCode)).on('error', (error) => end(false, error.message))
} catch (error) { end(false, error.message) }`

/** Beyond the check's own timeout, for the process to start and to end. */
const processMs = 10_000

export function httpChecker(
  lookUp: typeof lookUpUser,
): (url: string, timeoutMs: number, owner: string) => Promise<CheckResult> {
  return async (url, timeoutMs, owner) => {
    const found = await lookUp(owner)
    if (!found.ok) return { ok: false, detail: found.detail }
    const { uid, gid } = found.identity
    // With a uid given, libuv drops all supplementary groups before it changes over.
    const identity = process.getuid?.() === 0 ? { uid, gid } : {}
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin' }
    const options = { ...identity, env, cwd: '/', timeout: timeoutMs + processMs }
    const argv = ['-e', program, '--', url, String(timeoutMs)]
    return new Promise((resolve) => {
      execFile(process.execPath, argv, options, (error, stdout) => {
        try {
          resolve(JSON.parse(stdout) as CheckResult)
        } catch {
          resolve({ ok: false, detail: words(error ?? new Error('the check said nothing')) })
        }
      })
    })
  }
}

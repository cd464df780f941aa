/** Liveness over HTTP: a status from 200 to 399 in time is health; nothing is followed, nothing is shown. */
import http from 'node:http'
import https from 'node:https'

import { words } from './act.ts'
import type { CheckResult } from './process/run-driver.ts'

export function checkHttp(url: string, timeoutMs: number): Promise<CheckResult> {
  return new Promise((resolve) => {
    const fail = (detail: string) => resolve({ ok: false, detail })
    try {
      const get = url.startsWith('https:') ? https.get : http.get
      const signal = AbortSignal.timeout(timeoutMs)
      const call = get(url, { agent: false, signal }, (response) => {
        const status = response.statusCode ?? 0
        response.destroy()
        resolve({ ok: status >= 200 && status < 400, detail: `status ${status}` })
      })
      call.on('error', (error) => {
        fail(signal.aborted ? `no answer within ${timeoutMs} ms` : words(error))
      })
    } catch (error) {
      fail(words(error))
    }
  })
}

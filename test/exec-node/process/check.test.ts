/** A check for which the agent lacks something fails by itself: it ends neither the agent nor the checks after it. */
import { setTimeout as sleep } from 'node:timers/promises'

import { expect, it } from 'vitest'

import { runCheck } from '../../../exec-node/process/check.ts'
import { exhausted } from '../../support/exhausted.ts'

const timeoutMs = 20

it('one that could not be started is no one that hangs', async () => {
  const check = () => runCheck('/none', ['true'], timeoutMs)
  expect((await exhausted(check)).detail).toContain('EMFILE')
  // Past its time, by which a check that was started would be killed.
  await sleep(3 * timeoutMs)
  expect((await runCheck('/none', ['true'], 20_000)).detail).toContain('spec 2')
})

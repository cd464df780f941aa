import { expect, test } from 'vitest'

import type { JobEdit, JobRequest } from '../../../proto/job.ts'
import { hideSecrets, keepSecrets, problemOfSecrets } from '../../../scheduler/core/secret-env.ts'

test('null in an edit keeps the present value; what an edit leaves out goes; what it does not say stays', () => {
  const present = { secretEnv: { A: 'sealed-a', B: 'sealed-b' } }
  expect(keepSecrets({ secretEnv: { A: null, C: 'sealed-c' } }, present)).toEqual({
    secretEnv: { A: 'sealed-a', C: 'sealed-c' },
  })
  const other: JobEdit = { slots: 2 }
  expect(keepSecrets(other, present)).toEqual({ slots: 2 })
})

test('values are told to nobody', () => {
  const bot: JobRequest = { command: ['bot'], cwd: '/' }
  const told = hideSecrets({ ...bot, secretEnv: { A: 'sealed-a' } })
  expect(told).toEqual({ ...bot, secretEnv: { A: null } })
  expect(hideSecrets(bot)).toBe(bot)
})

test('a secret needs a value, and a name that is no plain variable too', () => {
  const problem = (secretEnv: Record<string, string | null>) =>
    problemOfSecrets({ secretEnv, env: { HOME: '/' } })
  expect(problem({ A: 'x' })).toBe(null)
  expect(problem({ A: null })?.hint).toBe('give it anew with --secret-env A')
  expect(problem({ HOME: 'x' })?.detail).toBe('HOME is both a secret and a plain variable')
  // A property of every object is no variable.
  expect(problem({ constructor: 'x' })).toBe(null)
})

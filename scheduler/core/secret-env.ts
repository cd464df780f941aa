/** Secret variables as the brain sees them: sealed values, or null for what is not told. */
import type { Refusal } from '../../proto/errors.ts'
import type { SecretEnv } from '../../proto/job.ts'

type WithSecrets = { readonly secretEnv?: SecretEnv }

/** What an edit says, with the present values where it says null. */
export function keepSecrets<T extends WithSecrets>(edit: T, present: WithSecrets): T {
  if (edit.secretEnv === undefined) return edit
  const secretEnv = Object.fromEntries(
    Object.entries(edit.secretEnv).map(([name, value]) => [
      name,
      value ?? present.secretEnv?.[name] ?? null,
    ]),
  )
  return { ...edit, secretEnv }
}

/** As it is told: that they are there, and not their values. */
export function hideSecrets<T extends WithSecrets>(spec: T): T {
  if (spec.secretEnv === undefined) return spec
  const names = Object.keys(spec.secretEnv)
  return { ...spec, secretEnv: Object.fromEntries(names.map((name) => [name, null])) }
}

/** Why a job with these variables is not taken: a secret without a value, or one that is said in clear too; null where it may be. */
export function problemOfSecrets({
  secretEnv,
  env,
}: WithSecrets & { env: object }): Refusal | null {
  if (secretEnv === undefined) return null
  for (const [name, value] of Object.entries(secretEnv)) {
    if (value === null)
      return {
        code: 'refused',
        detail: `the value of the secret ${name} is not said, and that of another job is told to nobody`,
        hint: `give it anew with --secret-env ${name}`,
      }
    if (Object.hasOwn(env, name))
      return {
        code: 'refused',
        detail: `${name} is both a secret and a plain variable`,
        hint: 'leave one of them out',
      }
  }
  return null
}

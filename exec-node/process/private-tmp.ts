/** Whether runs can have a /tmp of their own here: that takes root, and a kernel with mount namespaces. */
import { askOwner } from './owner-program.ts'

/** Null where they can; else what failed, as `CALL ENAME`. */
export async function problemOfPrivateTmp(): Promise<string | null> {
  const reply = await askOwner(['own-mounts'])
  return reply.ok ? null : reply.error
}

/** Throws for whoever starts the exec-node: a site that wants it must not find out that it never had it. */
export async function mustHavePrivateTmp(): Promise<void> {
  const problem = await problemOfPrivateTmp()
  if (problem !== null)
    throw new Error(
      `runs cannot have a /tmp of their own here (${problem}): that takes root and mount namespaces; leave out --private-tmp`,
    )
}

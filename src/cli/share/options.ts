/** What is shared: all of one's jobs, or one. */
import type { OptionTable } from '../options.ts'

export const sharingOptions = {
  job: { value: 'JOB', help: 'this job alone; else all that you have and will have' },
  owner: { value: 'USER', help: 'operators: jobs of this owner' },
} as const satisfies OptionTable

export const sharingOf = ({
  job,
  owner,
}: {
  job?: string | undefined
  owner?: string | undefined
}) => ({
  ...(job === undefined ? {} : { job }),
  ...(owner === undefined ? {} : { owner }),
})

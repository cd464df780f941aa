/** `eg resume`: thaws suspended jobs. */
import { actionCommand } from './selection.ts'

export const command = actionCommand('resumeJobs', 'resume')

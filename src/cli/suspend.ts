/** `eg suspend`: freezes the processes of jobs; their memory stays charged. */
import { actionCommand } from './selection.ts'

export const command = actionCommand('suspendJobs', 'suspend')

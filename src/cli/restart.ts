/** `eg restart`: a graceful stop, then a new run. */
import { actionCommand } from './selection.ts'

export const command = actionCommand('restartJobs', 'restart')

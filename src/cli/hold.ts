/** `eg hold`: holds waiting tasks back. */
import { actionCommand } from './selection.ts'

export const command = actionCommand('holdJobs', 'hold')

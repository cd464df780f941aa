/** `eg release`: ends a hold. */
import { actionCommand } from './selection.ts'

export const command = actionCommand('releaseJobs', 'release')

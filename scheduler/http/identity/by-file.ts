/** The proof on the scheduler's own machine: a file in the proof folder. */
import { rmdir } from 'node:fs/promises'

import { proofFileOf } from '../../../src/lib/proof-folder.ts'
import { makeProofFolder, proofProblem, sweepProofFolder } from './proof-place.ts'
import type { Way } from './way.ts'

const sweepMs = 60_000

export async function byFile(folder: string, isWaiting: (id: string) => boolean): Promise<Way> {
  await makeProofFolder(folder)
  const sweep = () => sweepProofFolder(folder, isWaiting)
  await sweep()
  const sweeping = setInterval(() => void sweep(), sweepMs)
  sweeping.unref()
  return {
    name: 'file',
    offered: async () => true,
    closedTo: async () => null,
    fileOf: (_account, challenge) => proofFileOf(folder, challenge),
    async problem({ account, challenge, text }) {
      const problem = await proofProblem(folder, challenge, account.uid, text)
      // An older eg writes less.
      return (
        problem && `${proofFileOf(folder, challenge)} does not prove ${account.name}: ${problem}`
      )
    },
    async close() {
      clearInterval(sweeping)
      await sweepProofFolder(folder, () => false)
      await rmdir(folder).catch(() => {})
    },
  }
}

/** Run as a process: removes a run, and is killed when the first of its files is gone. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { unlinkSync } = fs
fs.unlinkSync = (path) => {
  unlinkSync(path)
  process.kill(process.pid, 'SIGKILL')
}
syncBuiltinESMExports()
const { runFolders } = await import('../../../exec-node/process/run-folder.ts')
await runFolders(process.argv[2]!).remove(process.argv[3]!)

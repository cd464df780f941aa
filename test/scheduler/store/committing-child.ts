/** Run as a process: commits jobs for ever and prints the number of each once the store has acknowledged it. */
import { openStore } from '../../../scheduler/store/worker-store.ts'
import { submitChanges } from '../../support/store-rows.ts'

const [path, from] = process.argv.slice(2)
const store = await openStore(path!, { reserveBytes: 0 })
const commit = async (id: number): Promise<void> => {
  await store.commit(submitChanges(id))
  process.stdout.write(`${id}\n`)
}
// Several on their way at once, as under load.
for (let id = Number(from); ; id += 4)
  await Promise.all([commit(id), commit(id + 1), commit(id + 2), commit(id + 3)])

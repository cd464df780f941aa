/** Run as a process: brings a database to a next schema by a step that takes a while; prints a line when it has. */
import { openEngine } from '../../../scheduler/store/engine.ts'
import { migrationsIn } from '../../../scheduler/store/migrate.ts'
import { slowStep } from './slow-step.ts'

const migrations = [...migrationsIn(), slowStep(Number(process.argv[3]))]
openEngine(process.argv[2]!, { reserveBytes: 0, migrations })
process.stdout.write('migrated\n')
setInterval(() => {}, 1_000)

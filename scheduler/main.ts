/** The scheduler as a process: flags, log, signals. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { endOnSignal, startProblem } from '../src/lib/daemon.ts'
import { openLog } from '../src/lib/log.ts'
import { startUntilWritable } from './try-again.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '6444' },
    'allow-root-jobs': { type: 'boolean', default: false },
    'insecure-network': { type: 'boolean', default: false },
    tls: { type: 'boolean', default: false },
    'munge-socket': { type: 'string' },
    'shared-homes': { type: 'boolean', default: false },
    'tls-name': { type: 'string', multiple: true, default: [] },
  },
})

if (values.data === undefined) {
  process.stderr.write('eg: the scheduler needs --data DIR, the folder that keeps its database\n')
  process.exit(2)
}

const told = values['munge-socket']
const mungeSocket = told === undefined || told === 'none' ? told : resolve(told)
const log = openLog('scheduler')
try {
  const scheduler = await startUntilWritable({
    dataDir: resolve(values.data),
    host: values.host,
    port: Number(values.port),
    allowRootJobs: values['allow-root-jobs'],
    insecureNetwork: values['insecure-network'],
    tls: values.tls,
    tlsNames: values['tls-name'],
    logins: { mungeSocket, sharedHomes: values['shared-homes'] },
    log,
    onFailure(error) {
      // Crash-only: what is in memory is ahead of the disk now; the next start knows only what was acknowledged.
      log.error({ event: 'store-failed', error: error.message })
      process.exit(70)
    },
  })
  endOnSignal(() => scheduler.stop())
  process.stdout.write(`ready ${scheduler.url}\n`)
} catch (error) {
  process.stderr.write(`eg: the scheduler could not start: ${startProblem(error)}\n`)
  process.exit(1)
}

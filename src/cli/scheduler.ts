/** `eg scheduler`: the scheduler alone, in the foreground. */
import { join } from 'node:path'

import { dataFolderDefault } from '../lib/endpoint.ts'
import { defineCommand } from './command.ts'
import { flagsOf } from './daemons/entry.ts'
import { runForeground } from './daemons/foreground.ts'
import { listenOptions, tlsNames } from './daemons/listen-options.ts'
import { loginFlags, loginOptions } from './daemons/login-options.ts'
import { path, whole } from './values.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {
    data: { value: 'DIR', help: 'its data folder (default: scheduler/ in $EVERGRID_DATA)' },
    port: { value: 'N', help: 'port (default 6444; 0: a free one)' },
    ...listenOptions,
    ...loginOptions,
    'allow-root-jobs': { help: 'also run jobs of root and of system accounts' },
  },
  operands: [0, 0],
  run({ values }) {
    const flags = flagsOf({
      data: path('data', values.data) ?? join(dataFolderDefault(), 'scheduler'),
      port: whole('port', values.port, [0, 65_535]) ?? 6444,
      host: values.host,
      tls: values.tls,
      'allow-root-jobs': values['allow-root-jobs'],
      'insecure-network': values['insecure-network'],
      ...loginFlags(values),
    })
    return runForeground('scheduler', [...flags, ...tlsNames(values['tls-name'])])
  },
})

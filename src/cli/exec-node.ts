/** `eg exec-node`: one exec-node alone, in the foreground. */
import { availableParallelism, hostname, totalmem } from 'node:os'
import { join } from 'node:path'

import { dataFolderDefault, usualUrl } from '../lib/endpoint.ts'
import { defineCommand } from './command.ts'
import { flagsOf } from './daemons/entry.ts'
import { runForeground } from './daemons/foreground.ts'
import { nodeOptions } from './daemons/node-options.ts'
import { pairs, path, size, whole } from './values.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {
    scheduler: { value: 'URL', help: 'its scheduler (default: as --url)' },
    name: { value: 'NAME', help: 'name of the node (default: that of the host)' },
    data: { value: 'DIR', help: 'its data folder (default: NAME/ in $EVERGRID_DATA)' },
    slots: { value: 'N', help: 'slots (default: processors of the machine)' },
    mem: { value: 'SIZE', help: 'memory for jobs (default: all of the machine)' },
    label: { value: 'KEY=VALUE', many: true, help: 'label that jobs may ask for' },
    join: {
      value: 'FILE',
      help: 'file with a token of "eg node token": take an identity of its own',
    },
    'secret-file': { value: 'FILE', help: 'secret of the nodes (default: found by the URL)' },
    'refusal-is-silence': {
      help: 'a refused connection renews no lease: proxy, rejecting firewall',
    },
    ...nodeOptions,
  },
  operands: [0, 0],
  run({ values, terminal }) {
    const name = values.name ?? hostname()
    pairs('label', values.label)
    const flags = flagsOf({
      scheduler: values.scheduler ?? values.url ?? (terminal.env['EVERGRID_URL'] || usualUrl()),
      name,
      data: path('data', values.data) ?? join(dataFolderDefault(), name),
      slots: whole('slots', values.slots) ?? availableParallelism(),
      mem: size('mem', values.mem) ?? totalmem(),
      join: values.join,
      'secret-file': values['secret-file'],
      'refusal-is-silence': values['refusal-is-silence'],
      'private-tmp': values['private-tmp'],
      'insecure-network': values['insecure-network'],
    })
    const labels = values.label.flatMap((label) => ['--label', label])
    return runForeground('exec-node', [...flags, ...labels])
  },
})

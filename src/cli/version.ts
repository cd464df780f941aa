/** `eg version`. */
import { packageVersion } from '../lib/package-version.ts'
import { defineCommand } from './command.ts'
import { json } from './render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  run({ values, terminal }) {
    const version = packageVersion()
    terminal.out(values.json ? json({ version }) : `eg ${version}\n`)
    return Promise.resolve(0)
  },
})

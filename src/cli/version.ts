/** `eg version`. */
import { version } from '../lib/version.ts'
import { defineCommand } from './command.ts'
import { json } from './render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  run({ values, terminal }) {
    terminal.out(values.json ? json({ version }) : `eg ${version}\n`)
    return Promise.resolve(0)
  },
})

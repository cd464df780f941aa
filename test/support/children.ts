/** What the kernel says of a process's children: no program that lists them need be installed. */
import { readdirSync } from 'node:fs'

import { processStat, type ProcessStat } from '../../exec-node/process/boot.ts'

export const childrenOf = (parent: number): ProcessStat[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processStat(Number(name)))
    .filter((stat) => stat !== null)
    .filter((stat) => stat.parent === parent)

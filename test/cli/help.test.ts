/** The overview of all commands, as `eg help` prints it. */
import { expect, test } from 'vitest'

import { groups } from '../../src/cli/commands.ts'
import { groupHelp, overview } from '../../src/cli/help.ts'

test('the longest name still stands apart from what it does', () => {
  const lines = overview(groups).split('\n')
  for (const [name, { summary }] of Object.values(groups).flatMap(Object.entries)) {
    const line = lines.find((one) => one.trimEnd().endsWith(summary))
    expect(line?.slice(2).split(/ {2,}/), name).toEqual([name, summary])
  }
  expect(groupHelp('import', groups.schedules ?? {})).toMatch(/^ {2}import crontab {2,}Make/m)
})

import { expect, test } from 'vitest'

import type { CheckDone } from '../../../proto/database.ts'
import { checkedText } from '../../../src/cli/render/check.ts'

const checked: CheckDone = {
  database: '/backups/monday.db',
  schema: 3,
  compared: true,
  findings: [
    {
      what: 'counts',
      detail: 'counts that do not add up',
      rows: 2,
      examples: ['job 3'],
      mend: 'counts again',
    },
  ],
  mended: [],
  keptAside: null,
}

test('what was found of the database in use is mended there, of a backup once it is restored', () => {
  expect(checkedText(checked, true)).toMatchInlineSnapshot(`
    "counts: counts that do not add up (2)
      job 3
      and 1 more
      eg check --mend: counts again
    /backups/monday.db: not sound
    "
  `)
  expect(checkedText(checked, false)).toContain(
    '  eg check --mend, once it is restored: counts again\n',
  )
})

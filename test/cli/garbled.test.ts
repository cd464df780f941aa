import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

import { garbled } from '../../src/cli/garbled.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('U+FFFD that was really typed is no fault', () => {
  expect(garbled(['a', '\ufffd'], 'cmdline')).toBeNull()
  expect(garbled(['plain'], 'environ')).toBeNull()
})

test('an argument or variable that is no UTF-8 is refused, not changed', () => {
  const run = (line: string) =>
    spawnSync('sh', ['-c', line, 'sh', process.execPath, '--import', 'tsx', 'src/cli/main.ts'], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, EVERGRID_URL: 'http://127.0.0.1:1', EVERGRID_PATIENCE: '1ms' },
    })
  const argument = run('"$@" submit -- ls "$(printf "\\377")"')
  expect(argument).toMatchObject({ status: 2 })
  expect(argument.stderr).toContain('is not UTF-8')
  const variable = run('LC_X="$(printf "\\377")" "$@" submit -- ls')
  expect(variable).toMatchObject({ status: 2 })
  expect(variable.stderr).toContain('LC_X of the environment is not UTF-8')
})

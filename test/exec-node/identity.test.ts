/** A node's identity on its disk; how it is won and changed stands in test/e2e. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { nodeIdentity, renewIdentity } from '../../exec-node/identity.ts'
import { nodeIdentityText } from '../../proto/node-identity.ts'
import { writePrivate } from '../../src/lib/secret-file.ts'

const node = 'node1'

test('an identity that cannot be renewed now is shown on, and ends no agent', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'evergrid-identity-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true }))
  const text = nodeIdentityText(node, 'a'.repeat(64))
  const path = join(dataDir, 'node-identity')
  writePrivate(path, text)
  utimesSync(path, 1, 1)
  mkdirSync(`${path}.new`, { mode: 0o700 })
  const shown = { url: 'http://127.0.0.1:1', agent: new http.Agent(), dataDir, node }
  expect(await renewIdentity(shown, Date.now())).toBeNull()
  expect(nodeIdentity(dataDir, node)).toBe(text)
  expect(() => nodeIdentity(dataDir, 'node2')).toThrow('no data folder of node2')
  expect(readdirSync(dataDir)).toEqual(['node-identity', 'node-identity.new'])
})

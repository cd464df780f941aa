/** The FIFO on which shepherds tell that something changed. What is lost there, the slow look finds. */
import { execFileSync } from 'node:child_process'
import { constants, existsSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'

import type { RunKey } from './run-driver.ts'

export function openChanges(nodeDir: string, listener: (key: RunKey) => void): { close(): void } {
  const path = join(nodeDir, 'changes')
  if (!existsSync(path)) execFileSync('mkfifo', ['-m', '600', path])
  // Open for writing too: without a writer the pipe would end, again and again.
  const file = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  const socket = new Socket({ fd: file, readable: true, writable: false })
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('error', () => {})
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const key of new Set(lines)) listener(key)
  })
  return { close: () => socket.destroy() }
}

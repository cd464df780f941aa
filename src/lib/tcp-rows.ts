/** The kernel's table of TCP sockets, /proc/net/tcp and tcp6: who owns the far end of a loopback connection. */
import { readFileSync } from 'node:fs'
import { endianness } from 'node:os'

/** `inode` is 0 while no process has accepted the connection; its `uid` then says nothing. */
export type TcpRow = {
  local: string
  remote: string
  listening: boolean
  uid: number
  inode: number
}

/** Rows of both tables whose local port is `port`. Addresses are hex in network order, IPv4 as mapped IPv6. */
export function tcpRows(port: number): TcpRow[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => parseRows(readTable(path), port))
}

function readTable(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    // A kernel without IPv6 has no tcp6; without tcp nothing can be proven, and nothing is.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

export function parseRows(table: string, port: number): TcpRow[] {
  const wanted = `:${hex(port, 4)} `
  const rows: TcpRow[] = []
  for (const line of table.split('\n')) {
    // Cheap look first: a busy machine has tens of thousands of rows.
    if (!line.includes(wanted)) continue
    const fields = line.trim().split(/\s+/)
    const [, local = '', remote = '', state, , , , uid, , inode] = fields
    if (!local.endsWith(wanted.trimEnd())) continue
    rows.push({
      local: networkOrder(local),
      remote: networkOrder(remote),
      listening: state === '0A',
      uid: Number(uid),
      inode: Number(inode),
    })
  }
  return rows
}

const hex = (value: number, digits: number) =>
  value.toString(16).toUpperCase().padStart(digits, '0')
const mapped = '00000000000000000000FFFF'

function networkOrder(field: string): string {
  const [address = '', port = ''] = field.split(':')
  const words = address.match(/.{8}/g) ?? []
  const ordered = words.map((word) =>
    endianness() === 'LE' ? (word.match(/../g) ?? []).reverse().join('') : word,
  )
  return `${ordered.length === 1 ? mapped : ''}${ordered.join('')}:${port}`
}

/** `127.0.0.1` or `::1` (as Node's sockets say them) with a port, in the form of a row. */
export function rowAddress(address: string, port: number): string {
  const v4 = address.replace(/^::ffff:/i, '')
  const bytes = v4.includes('.')
    ? mapped +
      v4
        .split('.')
        .map((part) => hex(Number(part), 2))
        .join('')
    : expandV6(address)
  return `${bytes}:${hex(port, 4)}`
}

function expandV6(address: string): string {
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...middle, ...right].map((part) => part.toUpperCase().padStart(4, '0')).join('')
}

const anyV4 = `${mapped}00000000`
const anyV6 = '0'.repeat(32)

/** Would this listening socket take a connection to `local`? */
export function serves(row: TcpRow, local: string): boolean {
  if (!row.listening) return false
  const port = local.slice(-5)
  return row.local === local || row.local === anyV4 + port || row.local === anyV6 + port
}

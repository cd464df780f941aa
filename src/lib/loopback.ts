/** Which names and addresses stay on this machine. */

/** Literal loopback addresses and the names that always mean them; brackets of an IPv6 URL are allowed. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true
  return /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
}

/** Host and port of a scheduler's URL, with the default port of its protocol filled in. */
export function addressOf(url: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(url)
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  }
}

/** Text within XML. */
const named: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

export const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (sign) => named[sign] ?? sign)

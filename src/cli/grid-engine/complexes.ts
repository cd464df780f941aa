/** The complexes of a fresh Grid Engine: what `-l` may name, with shortcut and type. */

export type ComplexType = 'INT' | 'STRING' | 'TIME' | 'MEMORY' | 'BOOL' | 'HOST' | 'DOUBLE'
export type Complex = {
  name: string
  shortcut: string
  type: ComplexType
  relop: string
  requestable: string
  consumable: string
  default: string
  urgency: string
}

/** name, shortcut, type, relop, requestable, consumable, default, urgency. */
const table = `
arch a STRING == YES NO NONE 0
calendar c STRING == YES NO NONE 0
cpu cpu DOUBLE >= YES NO 0 0
display_win_gui dwg BOOL == YES NO 0 0
h_core h_core MEMORY <= YES NO 0 0
h_cpu h_cpu TIME <= YES NO 0:0:0 0
h_data h_data MEMORY <= YES NO 0 0
h_fsize h_fsize MEMORY <= YES NO 0 0
h_rss h_rss MEMORY <= YES NO 0 0
h_rt h_rt TIME <= YES NO 0:0:0 0
h_stack h_stack MEMORY <= YES NO 0 0
h_vmem h_vmem MEMORY <= YES NO 0 0
hostname h HOST == YES NO NONE 0
load_avg la DOUBLE >= NO NO 0 0
load_long ll DOUBLE >= NO NO 0 0
load_medium lm DOUBLE >= NO NO 0 0
load_short ls DOUBLE >= NO NO 0 0
m_core core INT <= YES NO 0 0
m_socket socket INT <= YES NO 0 0
m_thread thread INT <= YES NO 0 0
m_topology topo STRING == YES NO NONE 0
m_topology_inuse utopo STRING == YES NO NONE 0
mem_free mf MEMORY <= YES NO 0 0
mem_total mt MEMORY <= YES NO 0 0
mem_used mu MEMORY >= YES NO 0 0
min_cpu_interval mci TIME <= NO NO 0:0:0 0
np_load_avg nla DOUBLE >= NO NO 0 0
np_load_long nll DOUBLE >= NO NO 0 0
np_load_medium nlm DOUBLE >= NO NO 0 0
np_load_short nls DOUBLE >= NO NO 0 0
num_proc p INT == YES NO 0 0
qname q STRING == YES NO NONE 0
rerun re BOOL == NO NO 0 0
s_core s_core MEMORY <= YES NO 0 0
s_cpu s_cpu TIME <= YES NO 0:0:0 0
s_data s_data MEMORY <= YES NO 0 0
s_fsize s_fsize MEMORY <= YES NO 0 0
s_rss s_rss MEMORY <= YES NO 0 0
s_rt s_rt TIME <= YES NO 0:0:0 0
s_stack s_stack MEMORY <= YES NO 0 0
s_vmem s_vmem MEMORY <= YES NO 0 0
seq_no seq INT == NO NO 0 0
slots s INT <= YES YES 1 1000
swap_free sf MEMORY <= YES NO 0 0
swap_rate sr MEMORY >= YES NO 0 0
swap_rsvd srsv MEMORY >= YES NO 0 0
swap_total st MEMORY <= YES NO 0 0
swap_used su MEMORY >= YES NO 0 0
tmpdir tmp STRING == NO NO NONE 0
virtual_free vf MEMORY <= YES NO 0 0
virtual_total vt MEMORY <= YES NO 0 0
virtual_used vu MEMORY >= YES NO 0 0
`

const complexes: readonly Complex[] = table
  .trim()
  .split('\n')
  .map((line) => {
    const [name = '', shortcut = '', type = '', relop = '', requestable = '', ...rest] =
      line.split(' ')
    const [consumable = '', value = '', urgency = ''] = rest
    const kind = type as ComplexType
    return { name, shortcut, type: kind, relop, requestable, consumable, default: value, urgency }
  })

/** Names that many sites have added for the memory of a job. */
const bySites = ['ram_free', 'm_mem_free']

/** By name or shortcut; null: a site's own, which may be a label of its nodes. */
export function complexOf(name: string): { name: string; type: ComplexType } | null {
  const known = complexes.find((one) => one.name === name || one.shortcut === name)
  if (known) return known
  return bySites.includes(name) ? { name, type: 'MEMORY' } : null
}

/** As `qconf -sc` prints them. */
export function complexText(): string {
  const widths = [19, 10, 9, 5, 11, 10, 8]
  const row = (cells: readonly string[]) =>
    cells.map((cell, at) => `${cell.padEnd(widths[at] ?? 0)} `).join('')
  const lines = complexes.map((one) => {
    const { name, shortcut, type, relop, requestable, consumable } = one
    const cells = [name, shortcut, type, relop, requestable, consumable, one.default]
    return `${row(cells)}${one.urgency}\n`
  })
  const titles = ['#name', 'shortcut', 'type', 'relop', 'requestable', 'consumable', 'default']
  return `${row(titles)}urgency \n#${'-'.repeat(86)}\n${lines.join('')}# >#< starts a comment but comments are not saved across edits --------\n`
}

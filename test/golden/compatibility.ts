/** docs/grid-engine-compatibility.md, from what the replays are judged by: `npm run docs` writes it. */
import { flagNotes, commandNotes } from './flag-notes.ts'
import { recorded, recordings } from './recording.ts'
import { missing, verdicts } from './verdicts.ts'

const cell = (text: string): string => text.replaceAll('|', '\\|')

export function compatibilityText(): string {
  const counts = { same: 0, differs: 0 }
  const rows = recordings.map((name) => {
    const verdict = verdicts[name]
    if (verdict === undefined)
      return `| ${name} | missing | ${cell(missing[name] ?? 'not replayed yet')} |`
    const commands = recorded(name).filter(({ isOther }) => !isOther).length
    const differs = Object.entries(verdict.differs ?? {})
    counts.same += commands - differs.length
    counts.differs += differs.length
    if (differs.length === 0) return `| ${name} | same (${commands}) | |`
    const reasons = differs.map(([line, why]) => `\`${cell(line)}\`: ${cell(why)}`).join('; ')
    return `| ${name} | ${commands - differs.length} same, ${differs.length} differ on purpose | ${reasons} |`
  })
  const replayed = Object.keys(verdicts).length
  return `# Compatibility with Grid Engine

Generated from \`test/golden\` by \`npm run docs\`. The recordings are of Son of Grid Engine 8.1.9: each command with
what it printed and returned. Of ${recordings.length} recordings ${replayed} are replayed against our commands: ${counts.same} commands print and
return byte for byte the same, ${counts.differs} differ on purpose. Job numbers are lined up before the replay; users, host, folders and
times are those of the recording.

## Commands

| command | there | what |
| --- | --- | --- |
${Object.entries(commandNotes)
  .map(([name, [how, what]]) => `| ${name} | ${how} | ${cell(what)} |`)
  .join('\n')}

## Flags of qsub

| flag | how | what |
| --- | --- | --- |
${Object.entries(flagNotes)
  .map(([flag, [how, what]]) => `| \`${flag}\` | ${how} | ${cell(what)} |`)
  .join('\n')}

## Recordings

| recording | verdict | why |
| --- | --- | --- |
${rows.join('\n')}
`
}

/** A bot that notices a second copy of itself: it holds a lock for life, and tells who comes while it is held. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Writes the bot into `folder`; its command. */
export function singleCopyBot(folder: string): string[] {
  const script = `
exec 9>>${folder}/bot.lock
if ! flock -n 9; then echo "double $$" >>${folder}/bot.log; exit 1; fi
echo "start $$" >>${folder}/bot.log
trap 'exit 0' TERM
while :; do sleep 0.2; done
`
  writeFileSync(join(folder, 'bot.sh'), script, { mode: 0o755 })
  return ['sh', join(folder, 'bot.sh')]
}

export function botLog(folder: string): { starts: number; doubles: number } {
  const path = join(folder, 'bot.log')
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
  const count = (word: string) => lines.filter((line) => line.startsWith(word)).length
  return { starts: count('start'), doubles: count('double') }
}

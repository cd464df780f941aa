/** `crontab`: FILE, `-`, -e, -l, -r, with the schedules kept in the scheduler. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { text as allOf } from 'node:stream/consumers'

import type { Crontab } from '../../../../proto/api-crontab.ts'
import type { Program, ProgramContext } from '../../programs.ts'
import { placeOf, saveCrontab } from './save.ts'

const usage = `usage: crontab FILE | -        replace your crontab
       crontab -l              print it
       crontab -e              edit it
       crontab -r [-i]         remove it; -i asks before
`

export const program: Program = async (context) => {
  const { argv, terminal } = context
  const [first = '-', ...more] = argv
  if (first === '--help' || first === '-h') {
    terminal.out(usage)
    return 0
  }
  const flags = new Set(argv.filter((word) => /^-[elri]$/.test(word)))
  const isWrong =
    argv.some((word) => /^-./.test(word) && !flags.has(word)) ||
    (flags.size === 0 ? more.length > 0 : flags.size < argv.length) ||
    ['-l', '-e', '-r'].filter((flag) => flags.has(flag)).length !== Math.min(1, flags.size) ||
    (flags.has('-i') && !flags.has('-r'))
  if (isWrong) {
    if (argv.includes('-u')) terminal.say('-u: an account has the crontab that it installs itself')
    terminal.err(usage)
    return 1
  }
  if (flags.has('-l')) return list(context)
  if (flags.has('-r')) return remove(context, flags.has('-i'))
  if (flags.has('-e')) return edit(context)
  return install(context, first)
}

const kept = async ({ client }: ProgramContext): Promise<Crontab> =>
  (await client()).call('showCrontab')

async function list(context: ProgramContext): Promise<number> {
  const { text, names } = await kept(context)
  if (text === '' && names.length === 0) return noneKept(context)
  context.terminal.out(text)
  return 0
}

function noneKept({ terminal }: ProgramContext): number {
  terminal.err(`no crontab for ${userInfo().username}\n`)
  return 1
}

async function remove(context: ProgramContext, asks: boolean): Promise<number> {
  const { text } = await kept(context)
  if (text === '') return noneKept(context)
  if (asks) {
    const answer = await context.terminal.ask(`really delete ${userInfo().username}'s crontab?`)
    if (answer !== true) return answer === null ? 1 : 0
  }
  const body = { text: '', schedules: [] }
  await (await context.client()).call('replaceCrontab', { body })
  return 0
}

async function install(context: ProgramContext, path: string): Promise<number> {
  const { terminal } = context
  let text: string
  try {
    text =
      path === '-' ? await allOf(process.stdin) : readFileSync(resolve(terminal.cwd, path), 'utf8')
  } catch (error) {
    terminal.say((error as Error).message)
    return 1
  }
  return save(context, { text, from: path, before: await kept(context) })
}

type Change = { text: string; from: string; before: Crontab }

async function save(context: ProgramContext, change: Change): Promise<number> {
  const { terminal, client } = context
  if (change.text.trim() === '') {
    terminal.err('cowardly refusing to install empty crontab\n')
    terminal.say('to remove it, say crontab -r')
    return 1
  }
  const saved = await saveCrontab(await client(), change, placeOf(terminal))
  if (saved.ok) {
    for (const note of saved.notes) terminal.say(note)
    return 0
  }
  for (const problem of saved.problems) terminal.err(`${problem}\n`)
  terminal.err("errors in crontab file, can't install.\n")
  return 1
}

async function edit(context: ProgramContext): Promise<number> {
  const { terminal } = context
  const before = await kept(context)
  const folder = mkdtempSync(join(tmpdir(), 'crontab.'))
  const draft = join(folder, 'crontab')
  writeFileSync(draft, before.text, { mode: 0o600 })
  for (;;) {
    const editor = terminal.env['VISUAL'] || terminal.env['EDITOR'] || 'vi'
    const { status } = spawnSync('/bin/sh', ['-c', `${editor} "$1"`, 'sh', draft], {
      stdio: 'inherit',
    })
    const text = readFileSync(draft, 'utf8')
    if (status !== 0 || text === before.text) {
      if (status !== 0) terminal.say(`"${editor}" ended with ${status}`)
      terminal.err('No modification made\n')
      rmSync(folder, { recursive: true })
      return status === 0 ? 0 : 1
    }
    const saved = await save(context, { text, from: draft, before }).catch((error: unknown) => {
      terminal.say(`your changes are kept in ${draft}`)
      throw error
    })
    if (saved === 0) {
      rmSync(folder, { recursive: true })
      return 0
    }
    if (!(await terminal.ask('Do you want to retry the same edit?'))) {
      terminal.say(`your changes are kept in ${draft}`)
      return 1
    }
  }
}

/** Grid Engine's flags: the command line, `#$` lines, option files, and which of them wins. */
import { expect, test } from 'vitest'

import {
  fileWords,
  joined,
  readSource,
  requestFiles,
  scriptWords,
  splitWords,
  withOptionFiles,
} from '../../../src/cli/grid-engine/option-sources.ts'
import {
  allSaid,
  isSaid,
  lastSaid,
  readFlags,
  type FlagTable,
  type Said,
} from '../../../src/cli/grid-engine/option-table.ts'
import { submitFlags } from '../../../src/cli/grid-engine/submit-flags.ts'

const read = (line: string, table: FlagTable = submitFlags, endsWithOperand = true) =>
  readFlags(table, splitWords(line), { endsWithOperand })
const said = (line: string): Said[] => {
  const found = read(line)
  if (!found.ok) throw new Error(found.problem)
  return found.said
}

test('flags take their words, the last one wins, and the command keeps its own flags', () => {
  const found = read('-cwd -N a -pe smp 2-4 -j y -N b -l h_rt=1,x=2 -l y=3 script.sh -N c -j')
  expect(found).toMatchObject({ ok: true, operands: ['script.sh', '-N', 'c', '-j'] })
  if (!found.ok) return
  expect(lastSaid(found.said, '-N')).toBe('b')
  expect(allSaid(found.said, '-pe')).toEqual(['smp', '2-4'])
  expect(allSaid(found.said, '-l')).toEqual(['h_rt=1,x=2', 'y=3'])
  expect(isSaid(found.said, '-cwd')).toBe(true)
  expect(isSaid(found.said, '-V')).toBe(false)
})

test.each([
  ['-bogus -b y sleep 1', 'invalid option argument "-bogus"'],
  ['-N', '-N option must have argument'],
  ['-pe smp', '-pe option must have argument'],
  ['--help', 'invalid option argument "--help"'],
  ['-toString', 'invalid option argument "-toString"'],
])('%s: %s', (line, problem) => {
  expect(read(line)).toEqual({ ok: false, problem })
})

test('a value may begin with a dash, and a dash alone is an operand', () => {
  expect(read('-p -100 - a')).toMatchObject({
    said: [{ flag: '-p', words: ['-100'] }],
    operands: ['-', 'a'],
  })
})

test('an optional word is taken where it is no flag', () => {
  const table: FlagTable = { '-F': { mayTake: true }, '-xml': {} }
  expect(read('-F -xml', table)).toMatchObject({ said: [{ words: [] }, { flag: '-xml' }] })
  expect(read('-F slots -xml', table)).toMatchObject({ said: [{ words: ['slots'] }, {}] })
})

test('of flags between operands it is known where they stood', () => {
  const found = readFlags({ '-t': { takes: 1 } }, ['112', '-t', '2-3', '-x', '4'], {
    unknownIsOperand: true,
  })
  expect(found).toEqual({
    ok: true,
    said: [{ flag: '-t', words: ['2-3'], after: 1 }],
    operands: ['112', '-x', '4'],
  })
})

test('words are parted and quoted as in a shell', () => {
  expect(splitWords(`-o "a b" 'c d'e f\\ g "h\\"i" "" -v X='1 2'`)).toEqual([
    ...['-o', 'a b', 'c de', 'f g', 'h"i', '', '-v', 'X=1 2'],
  ])
})

test('lines of a script: empty ones, before #!, without a last newline, with another prefix', () => {
  const script = '#$ -N early\n#!/bin/sh\n#$\n  #$ -N indented\n#$-j y\necho "#$ -N x"\n#$ -cwd'
  expect(scriptWords(script)).toEqual(['-N', 'early', '-j', 'y', '-cwd'])
  expect(scriptWords('#PBS -N a\n#$ -N b', '#PBS')).toEqual(['-N', 'a'])
  expect(scriptWords('#$ -N b', '')).toEqual([])
  expect(scriptWords('#$ -N dos\r\n')).toEqual(['-N', 'dos'])
})

test('an option file is put in its place, also within another, but not in the command', () => {
  const files: Record<string, string> = {
    a: '# for people\n-N "x y"\n-@ b',
    b: '-cwd',
    loop: '-@ loop',
  }
  const expand = (...argv: string[]) =>
    withOptionFiles(argv, submitFlags, (path) => files[path] ?? null)
  expect(expand('-j', 'y', '-@', 'a', 'run', '-@', 'b')).toEqual({
    ok: true,
    argv: ['-j', 'y', '-N', 'x y', '-cwd', 'run', '-@', 'b'],
  })
  expect(expand('-@', 'none')).toEqual({ ok: false, problem: '-@ none: cannot be read' })
  expect(expand('-@', 'loop')).toEqual({ ok: false, problem: '-@ loop: names itself' })
  expect(expand('-@')).toEqual({ ok: false, problem: '-@ option must have argument' })
})

test('later sources win, and -clear drops what earlier ones said', () => {
  const [cluster, script, line] = ['-N a -j y', '-N b -clear', '-cwd'].map(said)
  expect(lastSaid(joined([cluster ?? [], line ?? []]), '-N')).toBe('a')
  const all = joined([cluster ?? [], script ?? [], line ?? []])
  expect(lastSaid(all, '-N')).toBe('b')
  expect(isSaid(all, '-j')).toBe(false)
  expect(isSaid(all, '-cwd')).toBe(true)
})

test('sge_request files: cluster, home, working folder, each once', () => {
  expect(fileWords('# -N no\n-l h_rt=1\n\n-w e')).toEqual(['-l', 'h_rt=1', '-w', 'e'])
  const env = { SGE_ROOT: '/r', HOME: '/home/a' }
  expect(requestFiles(env, '/home/a/w')).toEqual([
    ...['/r/default/common/sge_request', '/home/a/.sge_request', '/home/a/w/.sge_request'],
  ])
  expect(requestFiles({ HOME: '/home/a' }, '/home/a')).toEqual(['/home/a/.sge_request'])
  expect(readSource(submitFlags, ['-w', 'e'])).toMatchObject({ ok: true, operands: [] })
})

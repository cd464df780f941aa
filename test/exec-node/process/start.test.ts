/** What a command gets when it starts, and what is told when it cannot. */
import { execFileSync } from 'node:child_process'
import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { array, assert, asyncProperty, constantFrom, dictionary } from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { isRoot, nobody, openGrid, owner, type Grid } from './grid.ts'

let grid: Grid
let count = 0
const nextKey = () => `${++count}.0.1.1`
beforeAll(async () => {
  grid = await openGrid()
})
afterAll(() => grid.close())

describe('argv and environment', () => {
  const text = array(
    constantFrom(
      'a',
      ' ',
      '\n',
      "'",
      '"',
      '\\',
      '$',
      '=',
      '*',
      '-',
      'é',
      '漢',
      '\t',
      '\u{1F600}',
      '\u0001',
    ),
  ).map((parts) => parts.join(''))
  const name = constantFrom('A', 'b.c', 'WITH-MINUS', 'X_1', 'BASH_FUNC_x%%', 'ümlaut')

  it('arrive byte for byte', async () => {
    const property = asyncProperty(
      array(text, { maxLength: 6 }),
      dictionary(name, text),
      async (args, env) => {
        const key = nextKey()
        const seen = await grid.run(
          key,
          ['/bin/cat', '/proc/self/cmdline', '/proc/self/environ', '--', ...args],
          { env },
        )
        expect(seen.cause?.kind).toBe('exit')
        const out = await readFile(join(grid.work, `${key}.out`))
        const wanted = ['/bin/cat', '/proc/self/cmdline', '/proc/self/environ', '--', ...args]
        const environment = Object.entries(env).map(([key, value]) => `${key}=${value}`)
        expect(out.toString()).toBe([...wanted, ...environment].map((one) => `${one}\0`).join(''))
        await grid.driver.remove(key)
      },
    )
    await assert(property, { numRuns: 15 })
  })

  it('keep environment names that a shell would drop, and nothing else is there', async () => {
    const env = {
      'BASH_FUNC_x%%': '() { :; }',
      'with-minus': '1',
      EMPTY: '',
      PATH: '/usr/bin:/bin',
    }
    await grid.run('env.1', ['/usr/bin/env', '-0'], { env })
    const lines = (await grid.output('env.1')).split('\0').filter(Boolean)
    expect(lines.sort()).toEqual(
      Object.entries(env)
        .map(([key, value]) => `${key}=${value}`)
        .sort(),
    )
  })

  it('is searched by its own PATH', async () => {
    const facts = await grid.run('path.1', ['ls'], { env: { PATH: '/nowhere' } })
    expect(facts.cause).toMatchObject({ kind: 'could-not-start', call: 'execve', error: 'ENOENT' })
    expect(facts).toMatchObject({ pid: null, startedAt: null })
  })

  it('begins with no open descriptor, default signals, umask and limits as planned', async () => {
    const script =
      'ls /proc/self/fd | wc -l; grep -E "Sig(Blk|Ign)|NoNewPrivs" /proc/self/status; umask; ulimit -n; pwd'
    await grid.run('plain.1', ['sh', '-c', script], {
      umask: 0o027,
      limits: { ...grid.plan('x', []).limits, openFiles: 77 },
    })
    const lines = (await grid.output('plain.1')).split('\n')
    expect(lines[0]).toBe('4')
    expect(lines.slice(1, 4).map((line) => line.split('\t')[1])).toEqual([
      '0000000000000000',
      '0000000000000000',
      '1',
    ])
    expect(lines.slice(4, 7)).toEqual(['0027', '77', grid.work])
  })
})

describe('ends are told apart', () => {
  it.each([
    ['exit 127', ['sh', '-c', 'exit 127'], { kind: 'exit', code: 127 }],
    ['exit 137', ['sh', '-c', 'exit 137'], { kind: 'exit', code: 137 }],
    ['SIGKILL', ['sh', '-c', 'kill -9 $$'], { kind: 'signal', signal: 'SIGKILL' }],
    ['SIGSEGV', ['sh', '-c', 'kill -SEGV $$'], { kind: 'signal', signal: 'SIGSEGV' }],
    [
      'missing',
      ['/no/such'],
      { kind: 'could-not-start', call: 'execve', error: 'ENOENT', detail: '/no/such' },
    ],
    [
      'not executable',
      ['/etc/passwd'],
      { kind: 'could-not-start', call: 'execve', error: 'EACCES', detail: '/etc/passwd' },
    ],
  ] as const)('%s', async (name, argv, cause) => {
    const facts = await grid.run(`end.${name.replace(/\W/g, '-')}`, [...argv])
    expect(facts.cause).toEqual(cause)
    expect(facts.endedAt).toBeGreaterThan(0)
  })

  it('a folder that is not there', async () => {
    const facts = await grid.run('cwd.1', ['true'], { cwd: '/no/folder' })
    expect(facts.cause).toMatchObject({ kind: 'could-not-start', call: 'chdir', error: 'ENOENT' })
  })
})

describe('output', () => {
  it('is appended, and the mark says where this run begins', async () => {
    writeFileSync(join(grid.work, 'mark.out'), 'before\n')
    execFileSync('chown', [`${owner.uid}`, join(grid.work, 'mark.out')])
    const output = {
      kind: 'files',
      out: join(grid.work, 'mark.out'),
      err: join(grid.work, 'mark.out'),
    } as const
    const facts = await grid.run('mark.1', ['sh', '-c', 'echo out; echo err >&2'], { output })
    expect(facts.outMark).toEqual({ inode: statSync(output.out).ino, offset: 7 })
    expect(await readFile(output.out, 'utf8')).toBe('before\nout\nerr\n')
  })

  it('to a FIFO without a reader is an error, not a hang', async () => {
    const out = join(grid.work, 'fifo')
    execFileSync('mkfifo', ['-m', '666', out])
    const facts = await grid.run('fifo.1', ['true'], {
      output: { kind: 'files', out, err: '/dev/null' },
    })
    expect(facts.cause).toEqual({
      kind: 'could-not-start',
      call: 'open',
      error: 'ENXIO',
      detail: out,
    })
  })

  it.runIf(isRoot)('goes only where the owner may write', async () => {
    const secret = join(grid.nodeDir, 'root-only')
    writeFileSync(secret, 'root\n', { mode: 0o600 })
    const link = join(grid.work, 'link')
    symlinkSync(secret, link)
    const direct = await grid.run('out.1', ['true'], {
      output: { kind: 'files', out: '/root/x', err: '/dev/null' },
    })
    const linked = await grid.run('out.2', ['true'], {
      output: { kind: 'files', out: link, err: '/dev/null' },
    })
    for (const facts of [direct, linked])
      expect(facts.cause).toMatchObject({ kind: 'could-not-start', call: 'open', error: 'EACCES' })
    expect(await readFile(secret, 'utf8')).toBe('root\n')
  })

  it.runIf(isRoot)('belongs to the owner, as does the process', async () => {
    await grid.run('who.1', ['sh', '-c', 'id -u; id -G'], {
      identity: { ...nobody, groups: [65_534, 12] },
    })
    expect(await grid.output('who.1')).toBe('65534\n65534 12\n')
    expect(statSync(join(grid.work, 'who.1.out')).uid).toBe(65_534)
  })
})

describe('before the change of uid', () => {
  it('LD_PRELOAD of the job has no effect on the shepherd', async () => {
    const env = { PATH: '/usr/bin:/bin', LD_PRELOAD: '/no/such/library.so' }
    await grid.run('preload.1', ['sh', '-c', 'true'], { env })
    // The loader complains once for the command itself, never for what ran before it.
    expect((await grid.output('preload.1', 'err')).match(/object '\/no\/such/g)).toHaveLength(1)
  })
})

describe('TMPDIR', () => {
  it('is private while the run lives, and gone afterwards with all that was in it', async () => {
    const tmpDir = join(grid.work, 'private')
    await grid.run(
      'tmp.1',
      [
        'sh',
        '-c',
        `stat -c '%a %u' ${tmpDir}; mkdir -p ${tmpDir}/a/b; chmod 0 ${tmpDir}/a; ln -s / ${tmpDir}/root`,
      ],
      { tmpDir },
    )
    expect(await grid.output('tmp.1')).toBe(`700 ${owner.uid}\n`)
    expect(existsSync(tmpDir)).toBe(false)
    expect(existsSync('/etc/passwd')).toBe(true)
  })
  it('holds the files of the run before its command begins', async () => {
    const tmpDir = join(grid.work, 'with-files')
    const path = `${tmpDir}/.job-script`
    const text = `echo "$0 $1"; stat -c '%a %u' "$0"\n${'# a=b\n'.repeat(40_000)}exit 3\n`
    const facts = await grid.run('files.1', ['sh', path, 'x'], { tmpDir, files: [{ path, text }] })
    expect(await grid.output('files.1')).toBe(`${path} x\n700 ${owner.uid}\n`)
    expect(facts).toMatchObject({ cause: { kind: 'exit', code: 3 } })
    expect(existsSync(tmpDir)).toBe(false)
  })
})

/** Crontabs as Tool Labs had them: what each line is, names that stay, and the text as it was. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'

import type { CrontabRequest } from '../../../proto/api-crontab.ts'
import { readLines } from '../../../src/cli/tool-labs/crontab/lines.ts'
import { nameLines, type NamedLine } from '../../../src/cli/tool-labs/crontab/names.ts'
import { planCrontab } from '../../../src/cli/tool-labs/crontab/plan.ts'
import { simpleCommand } from '../../../src/cli/tool-labs/crontab/simple-command.ts'
import { eg } from '../../support/eg.ts'
import { fakeApi, ownDataFolder, Refused, type FakeApi } from '../../support/fake-api.ts'
import { program } from '../../support/program.ts'

const home = mkdtempSync(join(tmpdir(), 'crontab-home-'))
const script = join(home, 'bot.sh')
writeFileSync(script, '#!/bin/sh\n')
chmodSync(script, 0o755)
afterAll(() => rmSync(home, { recursive: true }))

const place = {
  user: 'ada',
  home,
  shell: '/bin/bash',
  host: 'bastion',
  now: 0,
  uid: 60_000,
  tz: 'UTC',
  bin: '/opt/eg/bin',
}
function plan(text: string, before = { text: '', names: [] as string[] }) {
  const planned = planCrontab(text, before, place)
  if (!planned.ok) throw new Error(planned.problems.map(({ problem }) => problem).join('\n'))
  return planned
}
const only = (line: string) => plan(line).entries[0]?.schedule
const names = (text: string, before?: { text: string; names: string[] }) =>
  plan(text, before).entries.map(({ schedule }) => schedule.name)

describe('lines', () => {
  test('entries with the variables that hold for them', () => {
    const { entries, mailed, problems } = readLines(
      '# mine\nMAILTO=""\n 5 4 * * 1-5   ./a b\nPATH = "/x:/y"\n\nMAILTO=me@example.org\n@daily ./b\r\n',
    )
    expect(problems).toEqual([])
    expect(mailed).toEqual([6])
    expect(entries).toEqual([
      {
        number: 3,
        expression: '5 4 * * 1-5',
        command: './a b',
        stdin: null,
        variables: { MAILTO: '' },
      },
      {
        number: 7,
        expression: '0 0 * * *',
        command: './b',
        stdin: null,
        variables: { MAILTO: 'me@example.org', PATH: '/x:/y' },
      },
    ])
  })

  test('a % ends the command, the rest is its input, and \\% is a %', () => {
    const [entry] = readLines('* * * * * date +\\%F; cat%one%two\n').entries
    expect(entry).toMatchObject({ command: 'date +%F; cat', stdin: 'one\ntwo' })
  })

  test('lines that are neither', () => {
    expect(
      readLines('0 3 * *\n* * * * *\n\n@daily\n').problems.map(({ number }) => number),
    ).toEqual([1, 2, 4])
    expect(readLines('@reboot jstart ./bot\n')).toMatchObject({
      atBoot: [1],
      entries: [],
      problems: [],
    })
  })
})

describe('commands without a shell', () => {
  const around = { home: '/h', variables: { DIR: '/d', WIDE: 'a b' } }
  const cases: [string, string[] | null, string | null][] = [
    ['jsub -N a ./x.sh', ['jsub', '-N', 'a', './x.sh'], null],
    ['jsub "a  b" \'c $x\' d\\ e', ['jsub', 'a  b', 'c $x', 'd e'], null],
    ['jsub $HOME/x ~/y ${DIR}/z "q"$DIR', ['jsub', '/h/x', '/h/y', '/d/z', 'q/d'], null],
    ['jsub x > /dev/null 2>&1', ['jsub', 'x'], null],
    ['jsub x >/dev/null', ['jsub', 'x'], null],
    ['jsub x page2>/dev/null  2> /dev/null', ['jsub', 'x', 'page2'], null],
    ['jsub x > /dev/null   # every night; not | by day', ['jsub', 'x'], null],
    ['jsub x "a #b"', ['jsub', 'x', 'a #b'], null],
    ['jsub a#b', null, null],
    ["jsub x # it's", null, null],
    ['cd $HOME/www && jsub -cwd ./x', ['jsub', '-cwd', './x'], '/h/www'],
    ['cd sub; jsub x', ['jsub', 'x'], '/h/sub'],
    ['jsub x | tee log', null, null],
    ['jsub x > log', null, null],
    ['jsub x; jsub y', null, null],
    ['jsub $(date)', null, null],
    ['jsub "$UNSET"', null, null],
    ['jsub $WIDE', null, null],
    ['jsub *.sh', null, null],
    ['A=1 jsub x', null, null],
    ['[ -f x ] && jsub y', null, null],
    ['jsub a~b', null, null],
    ['jsub "open', null, null],
  ]
  test.each(cases)('%s', (command, words, folder) => {
    expect(simpleCommand(command, around)).toEqual(words === null ? null : { words, folder })
  })
})

describe('entries', () => {
  test('a jsub line is the job that it would submit', () => {
    const text = `0 3 * * * /usr/bin/jsub -N nightly -once -quiet -mem 1g ${script} 'a  b' > /dev/null`
    expect(only(text)).toEqual({
      name: 'nightly',
      expression: '0 3 * * *',
      tz: 'UTC',
      overlap: 'forbid',
      job: {
        kind: 'task',
        name: 'nightly',
        command: [script, 'a  b'],
        cwd: home,
        umask: 0o007,
        memBytes: 2 ** 30,
        once: true,
        out: `${home}/nightly.out`,
        err: `${home}/nightly.err`,
        env: expect.objectContaining({
          PATH: '/usr/bin:/bin',
          HOME: home,
          SHELL: '/bin/bash',
          SGE_O_HOST: 'bastion',
          SGE_O_WORKDIR: home,
        }) as object,
      },
    })
    expect(only(`0 3 * * * jsub ${script}`)).toMatchObject({ name: 'bot', overlap: 'allow' })
    expect(only(`0 3 * * * jsub -N 'a(1)' ${script}`)).toMatchObject({
      name: 'a_1_',
      job: { name: 'a(1)' },
    })
    expect(only(`0 3 * * * qcronsub ${script}`)).toMatchObject({ overlap: 'forbid' })
    expect(only(`0 3 * * * cd ${home}/www && jsub -cwd ${script}`)).toMatchObject({
      job: { cwd: `${home}/www` },
    })
  })

  test('any other command runs in a shell, one at a time, with files of its name', () => {
    expect(
      only(
        'PATH=/x\n*/5 * * * * cd $HOME/app && python3 run.py --all > log 2>&1'
          .split('\n')
          .join('\n'),
      ),
    ).toEqual({
      name: 'cron-run',
      expression: '*/5 * * * *',
      tz: 'UTC',
      overlap: 'forbid',
      job: {
        kind: 'task',
        name: 'cron-run',
        command: ['/bin/sh', '-c', 'cd $HOME/app && python3 run.py --all > log 2>&1'],
        cwd: home,
        umask: 0o007,
        out: `${home}/cron-run.out`,
        err: `${home}/cron-run.err`,
        env: { PATH: '/opt/eg/bin:/x', HOME: home, SHELL: '/bin/sh' },
      },
    })
    expect(only('SHELL=/bin/bash\nCRON_TZ=Europe/Berlin\n0 3 * * * jlocal ./x')).toMatchObject({
      tz: 'Europe/Berlin',
      job: { command: ['/bin/bash', '-c', './x'] },
    })
    expect(only('* * * * * cat%one%two')?.job.command[2]).toBe(
      "{ cat\n} <<'END_OF_INPUT'\none\ntwo\nEND_OF_INPUT\n",
    )
    expect(only('* * * * * jstart -N bot ./bot.sh')).toMatchObject({
      name: 'cron-bot',
      job: { command: ['/bin/sh', '-c', 'jstart -N bot ./bot.sh'] },
    })
  })

  test('what cannot be is told with its line; what does nothing is noted', () => {
    const wrong = planCrontab(
      `0 3 * *\n0 3 * * * jsub -t 1-3 ${script}\n`,
      { text: '', names: [] },
      place,
    )
    expect(wrong).toMatchObject({
      ok: false,
      problems: [{ number: 1 }, { number: 2, problem: 'jsub: unrecognized arguments: -t' }],
    })
    const { entries, notes } = plan(
      `MAILTO=a@b\n@reboot ./x\n0 3 * * * jsub -N gone /no/such\n0 3 * * * jsub -l release=buster ${script}`,
    )
    expect(notes).toEqual([
      expect.stringContaining('line 2: @reboot is kept as text'),
      'line 1: this grid sends no mail; output is kept in files',
      "line 3: jsub: argument program: Program '/no/such' not found.",
      'line 4: release=buster is not asked for: jobs run on any node',
    ])
    // Tried each time, by jsub itself.
    expect(entries[0]?.schedule.job.command).toEqual(['/bin/sh', '-c', 'jsub -N gone /no/such'])
  })
})

describe('names', () => {
  test('stay when lines move, when their time changes and when their arguments do', () => {
    const text = '0 1 * * * ./a.sh\n0 2 * * * ./a.sh -x\n0 3 * * * ./b.sh\n'
    const first = names(text)
    expect(first).toEqual(['cron-a', 'cron-a-2', 'cron-b'])
    const before = { text, names: first }
    const moved = '# new head\n\n0 3 * * * ./b.sh\n0 2 * * * ./a.sh -x\n0 1 * * * ./a.sh\n'
    expect(names(moved, before)).toEqual(['cron-b', 'cron-a-2', 'cron-a'])
    expect(names('0 9 * * * ./a.sh -x\n', before)).toEqual(['cron-a-2'])
    expect(names('0 3 * * * ./b.sh --more\n0 0 * * * ./a.sh -y\n', before)).toEqual([
      'cron-b',
      'cron-a',
    ])
    expect(names('0 2 * * * ./a.sh -x\n0 2 * * * ./a.sh -z\n', before)).toEqual([
      'cron-a-2',
      'cron-a',
    ])
  })

  test('are never two, and a text that only moves keeps all of them', () => {
    const line = fc.record({
      expression: fc.constantFrom('0 1 * * *', '0 2 * * *'),
      command: fc.constantFrom('a', 'a x', 'b', 'b y'),
    })
    const lines = fc
      .array(line, { maxLength: 8 })
      .map((all) => all.map((each) => ({ ...each, wish: each.command[0] as string })))
    fc.assert(
      fc.property(
        lines,
        lines,
        fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
        (old, now, keys) => {
          const first = nameLines(old, [])
          expect(new Set(first).size).toBe(old.length)
          const before = old.map((each, at): NamedLine => ({ ...each, name: first[at] as string }))
          const then = nameLines(now, before)
          expect(new Set(then).size).toBe(now.length)
          const shuffled = [...before].sort(
            (a, b) => (keys[before.indexOf(a)] as number) - (keys[before.indexOf(b)] as number),
          )
          const moved = nameLines(shuffled, before)
          const kinds = (at: number) =>
            before
              .filter((each) => each.name === moved[at])
              .map(({ command, expression }) => command + expression)
          for (const [at, each] of shuffled.entries())
            expect(kinds(at)).toEqual([each.command + each.expression])
        },
      ),
    )
  })
})

describe('crontab, the command', () => {
  let api: FakeApi
  let data: ReturnType<typeof ownDataFolder>
  let text = ''
  let kept: string[] = []
  const run = (argv: string[], env: Record<string, string> = {}) =>
    program('crontab', argv, { url: api.url, cwd: home, env: { HOME: home, ...env } })
  const file = (content: string): string => {
    writeFileSync(join(home, 'tab'), content)
    return 'tab'
  }
  beforeEach(async () => {
    data = ownDataFolder()
    text = ''
    kept = []
    api = await fakeApi({
      showCrontab: () => ({ text, names: kept }),
      replaceCrontab: ({ body }) => {
        const { text: now, schedules } = body as CrontabRequest
        const odd = schedules.find(({ expression }) => expression.startsWith('61'))
        if (odd) throw new Refused({ code: 'refused', detail: `${odd.name}: write 0 to 59` })
        text = now
        kept = schedules.map(({ name }) => name)
        return { added: [], changed: [], removed: [] }
      },
    })
  })
  afterEach(async () => {
    await api.close()
    data.remove()
  })

  test('the text comes back byte for byte', async () => {
    const odd = '# ä head\r\nMAILTO=""\n\n\tPATH=/x:/y \n  0  3 * * *\t./a.sh  "b  c"   # why\n#end'
    expect(await run([file(odd)])).toMatchObject({ status: 0, out: '', err: '' })
    expect(await run(['-l'])).toEqual({ status: 0, out: odd, err: '' })
    expect(kept).toEqual(['cron-a'])
  })

  test('a line that no node could run is warned of, by its number', async () => {
    api.handlers.replaceCrontab = () => ({
      added: ['cron-a', 'cron-b'],
      changed: [],
      removed: [],
      warnings: [{ schedule: 'cron-b', detail: 'no node can ever run it' }],
    })
    const tab = file('0 3 * * * ./a.sh\n\n0 4 * * * ./b.sh\n')
    expect(await run([tab])).toMatchObject({
      status: 0,
      err: 'crontab: "tab":3: no node can ever run it\n',
    })
    const world = { url: api.url, cwd: home, env: { HOME: home } }
    const imported = await eg(['import', 'crontab', tab], world)
    expect(imported.err).toBe('eg: "tab":3: no node can ever run it\n')
  })

  test('-l and -r of none, and of one', async () => {
    const none = `no crontab for ${userInfo().username}\n`
    expect(await run(['-l'])).toEqual({ status: 1, out: '', err: none })
    expect(await run(['-r'])).toEqual({ status: 1, out: '', err: none })
    await run([file('0 3 * * * ./a.sh\n')])
    expect((await run(['-r', '-i'])).status).toBe(1)
    expect(text).not.toBe('')
    expect(await run(['-r'])).toEqual({ status: 0, out: '', err: '' })
    expect([text, kept]).toEqual(['', []])
  })

  test('-e: nothing changed, something changed, and what is wrong keeps the draft', async () => {
    await run([file('0 3 * * * ./a.sh\n')])
    expect(await run(['-e'], { EDITOR: 'true' })).toMatchObject({
      status: 0,
      err: 'No modification made\n',
    })
    expect((await run(['-e'], { EDITOR: 'false' })).status).toBe(1)
    expect((await run(['-e'], { VISUAL: "sed -i 's/3/4/'", EDITOR: 'false' })).status).toBe(0)
    expect(text).toBe('0 4 * * * ./a.sh\n')
    const wrong = await run(['-e'], { EDITOR: "sed -i 's/4/61/; s/0/61/'" })
    expect(wrong.status).toBe(1)
    expect(wrong.err).toMatch(
      /^"(\S+)":1: write 0 to 59\nerrors in crontab file, can't install\.\n/,
    )
    const draft = /your changes are kept in (\S+)\/crontab\n/.exec(wrong.err)?.[1] as string
    rmSync(draft, { recursive: true })
    expect(text).toBe('0 4 * * * ./a.sh\n')
  })

  test('what is refused, and what is no way to call it', async () => {
    expect(await run([file('\n')])).toMatchObject({
      status: 1,
      err: expect.stringContaining('cowardly refusing to install empty crontab\n') as string,
    })
    expect((await run([file('nonsense\n')])).err).toContain('"tab":1: write five fields')
    expect((await run(['none'])).err).toContain('ENOENT')
    for (const argv of [['-l', '-r'], ['-x'], ['a', 'b'], ['-i'], ['-u', 'ada', '-l']])
      expect(await run(argv)).toMatchObject({ status: 1, out: '' })
    expect(text).toBe('')
  })

  test('eg import crontab shows each line, and does not take the place of one unasked', async () => {
    const path = join(home, file('# x\n0 3 * * * ./a.sh\n'))
    const world = { url: api.url, cwd: home, env: { HOME: home } }
    const shown = await eg(['import', 'crontab', '--dry-run', path], world)
    expect(shown.out).toContain('2  cron-a    0 3 * * *   forbid   ./a.sh')
    expect(text).toBe('')
    expect((await eg(['import', 'crontab', path], world)).status).toBe(0)
    expect(text).toBe('# x\n0 3 * * * ./a.sh\n')
    expect((await eg(['import', 'crontab', path], world)).err).toContain('--replace')
    expect((await eg(['import', 'crontab', '--replace', path], world)).status).toBe(0)
  })
})

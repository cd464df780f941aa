/** `eg grid-engine init`: the tree under $SGE_ROOT in which clients of Grid Engine look for their settings. */
import { existsSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { usualUrl } from '../../lib/endpoint.ts'
import { folderProblem, makeFolders } from '../../lib/folder.ts'
import { CommandError, defineCommand, UsageError } from '../command.ts'
import { programs } from '../programs.ts'
import { arc } from './job-environment.ts'
import { environmentFile } from './parallel-environments.ts'

const mark = '# made by eg grid-engine init'

export const command = defineCommand({
  usage: '[OPTION…] DIR',
  options: {
    cell: { value: 'NAME', help: 'cell (default: default)' },
    pe: { value: 'NAME', many: true, help: 'a parallel environment that scripts ask for' },
  },
  operands: [1, 1],
  notes: `DIR becomes $SGE_ROOT: DIR/CELL/common has settings.sh, settings.csh, act_qmaster and bootstrap, DIR/bin the
commands. People and programs that read settings.sh find this grid. With --pe, qsub -pe takes further names beside
smp, make and mpi: all of them give slots of one node. Made again, it is brought up to date.`,
  run({ values, operands: [dir = ''], terminal }) {
    const root = resolve(terminal.cwd, dir)
    const cell = values.cell ?? 'default'
    const common = join(root, cell, 'common')
    const present = join(common, 'bootstrap')
    if (existsSync(present) && !readFileSync(present, 'utf8').startsWith(mark)) {
      throw new CommandError(`${present} is of another Grid Engine`, {
        hint: 'take another folder, or another --cell',
      })
    }
    const url = values.url ?? terminal.env['EVERGRID_URL'] ?? usualUrl()
    if (!URL.canParse(url)) throw new UsageError(`"${url}" is not the URL of a scheduler`)
    const { hostname, port } = new URL(url)
    makeRoot(common)
    const files = {
      bootstrap: bootstrap(root, cell),
      act_qmaster: `${hostname}\n`,
      'settings.sh': settings(
        { root, cell, url, port },
        (name, value) => `${name}=${value}; export ${name}`,
      ),
      'settings.csh': settings(
        { root, cell, url, port },
        (name, value) => `setenv ${name} ${value}`,
      ),
    }
    if (values.pe.length > 0) writeFileSync(environmentFile(common), `${values.pe.join('\n')}\n`)
    for (const [name, text] of Object.entries(files)) writeFileSync(join(common, name), text)
    linkPrograms(root)
    terminal.out(`${root} is there; in a shell: . ${join(common, 'settings.sh')}\n`)
    return Promise.resolve(0)
  },
})

function bootstrap(root: string, cell: string): string {
  return [
    mark,
    'admin_user              none',
    'default_domain          none',
    'ignore_fqdn             true',
    'spooling_method         classic',
    `binary_path             ${root}/bin`,
    `qmaster_spool_dir       ${root}/${cell}/spool/qmaster`,
    'security_mode           none',
    '',
  ].join('\n')
}

type About = { root: string; cell: string; url: string; port: string }

function settings(
  { root, cell, url, port }: About,
  assign: (name: string, value: string) => string,
): string {
  const values: [string, string][] = [
    ['SGE_ROOT', quoted(root)],
    ['SGE_CELL', quoted(cell)],
    ['SGE_CLUSTER_NAME', 'evergrid'],
    ['SGE_QMASTER_PORT', port === '' ? '6444' : port],
    ['EVERGRID_URL', quoted(url)],
    ['PATH', `${quoted(`${root}/bin/${arc}`)}:"$PATH"`],
  ]
  return `${mark}\n${values.map(([name, value]) => assign(name, value)).join('\n')}\n`
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

function makeRoot(folder: string): void {
  try {
    makeFolders(folder)
  } catch (error) {
    throw new CommandError(`cannot make the folder ${folder}: ${folderProblem(error)}`, {
      hint: 'take another DIR',
    })
  }
}

/** Where Grid Engine has them, and where some clients look: DIR/bin/ARCH. */
function linkPrograms(root: string): void {
  const bin = join(root, 'bin', arc)
  makeRoot(bin)
  for (const name of ['eg', ...Object.keys(programs)]) {
    const place = join(bin, name)
    const program = join(ownBin(), name)
    const before = linkAt(place)
    // Also one that leads to where the commands were before, or nowhere; what is no link is not ours.
    if (before !== null && before !== program) rmSync(place)
    if (before !== program && !existsSync(place)) symlinkSync(program, place)
  }
}

function linkAt(place: string): string | null {
  try {
    return readlinkSync(place)
  } catch {
    return null
  }
}

/** From dist as from the sources. */
function ownBin(): string {
  const here = fileURLToPath(new URL('../../../', import.meta.url))
  const built = join(here, 'bin')
  return existsSync(join(built, 'eg')) ? built : join(here, 'dist', 'bin')
}

/** A drain watched while it moves: never more bots are on their way at once than it says, and all arrive. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

import { egPath, TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f']
let grid: TestGrid
const bots: number[] = []
const path = (name: string) => join(grid.work, name)

/** Told to stop, it writes so and stays until it may leave. */
const script = `
trap 'echo "stop $1" >>log; while [ ! -e leave ]; do sleep 0.05; done; sleep 0.2; echo "gone $1" >>log; exit 0' TERM
echo "start $1" >>log
while :; do sleep 0.1; done
`

beforeAll(async () => {
  grid = await TestGrid.start({ nodes: 2, slots: 8 })
  writeFileSync(path('bot.sh'), script)
  await grid.ok('node', 'cordon', 'node2')
  for (const name of names) {
    const options = ['--continuous', '--name', name, '--grace', '10m']
    bots.push(await grid.submit(...options, '--', 'sh', 'bot.sh', name))
  }
  await until(() => said('start').length === names.length, { what: 'all bots' })
  await grid.ok('node', 'uncordon', 'node2')
})
afterAll(async () => {
  writeFileSync(path('leave'), '')
  await grid.end()
})

const log = () => (existsSync(path('log')) ? readFileSync(path('log'), 'utf8').split('\n') : [])
const said = (word: string) => log().filter((line) => line.startsWith(word))

/** Most bots that were told to stop and had not yet ended, at any time since the log was begun anew. */
function mostStopping(): number {
  let now = 0
  let most = 0
  for (const line of log()) {
    if (line.startsWith('stop')) most = Math.max(most, ++now)
    if (line.startsWith('gone')) now -= 1
  }
  return most
}

/** How many do not run, in one answer of the scheduler. */
const onTheirWay = async () => (await grid.jobs()).filter(({ state }) => state !== 'running').length

async function drainWatched(from: string, to: string, atOnce: number, ...options: string[]) {
  rmSync(path('leave'), { force: true })
  rmSync(path('log'))
  const watching = spawn(egPath, ['node', 'drain', from, '--watch', ...options], { env: grid.env })
  onTestFinished(() => void watching.kill())
  let shown = ''
  watching.stdout.on('data', (part: Buffer) => (shown += part.toString()))
  const ended = new Promise((resolve) => watching.once('close', resolve))
  const inTurn = `moves in its turn, ${atOnce} at once`
  await until(() => said('stop').length === atOnce && shown.includes(inTurn), {
    what: `${atOnce} stopping at once, and the rest waiting for their turn`,
  })
  expect(shown).toContain(`6 tasks left on ${from}`)
  expect(shown.match(new RegExp(inTurn, 'g'))).toHaveLength(names.length - atOnce)
  expect(shown.match(new RegExp(`moving to ${to}`, 'g'))).toHaveLength(atOnce)
  const { drain } = await grid.node(from)
  expect(drain).toMatchObject({ atOnce, left: names.length, state: 'draining' })
  expect(drain?.steps.filter(({ what }) => what === 'moving')).toHaveLength(atOnce)
  expect(await onTheirWay()).toBe(atOnce)

  writeFileSync(path('leave'), '')
  const counts: number[] = []
  await until(
    async () => {
      counts.push(await onTheirWay())
      return (await grid.node(from)).drain?.state === 'drained'
    },
    { what: `the drain of ${from}` },
  )
  await until(() => said('start').length === names.length, { what: 'all bots again' })
  const runs = await Promise.all(bots.map((bot) => grid.running(bot)))
  const status = await ended
  await grid.ok('node', 'undrain', from)
  return {
    ...{ status, shown, nodes: new Set(runs.map(({ node }) => node)) },
    ...{ mostStopping: mostStopping(), mostOnTheirWay: Math.max(...counts) },
  }
}

test.each([
  [2, 'as it was told', 'node1', 'node2', ['--at-once', '2']],
  [4, 'where nothing was said', 'node2', 'node1', []],
] as const)('%i at once, %s', async (atOnce, _, from, to, options) => {
  const end = await drainWatched(from, to, atOnce, ...options)
  expect(end).toMatchObject({ status: 0, mostStopping: atOnce, nodes: new Set([to]) })
  expect(end.mostOnTheirWay).toBeLessThanOrEqual(atOnce)
  expect(end.shown).toMatch(new RegExp(`\n0 tasks left on ${from}\n${from} is drained\n$`))
})

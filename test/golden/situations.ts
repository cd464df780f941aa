/** The situations in which Grid Engine was recorded, made anew on a grid of ours. */
import { GridEngineWorld } from '../support/grid-engine.ts'
import type { Situation } from './verdicts.ts'

export const situations: Readonly<Record<Situation, () => Promise<GridEngineWorld>>> = {
  fresh: () => GridEngineWorld.open(),
  empty,
  running,
  waiting,
}

/** Nothing is there, and the queue is disabled. */
async function empty(): Promise<GridEngineWorld> {
  const world = await GridEngineWorld.open()
  await world.client('root').call('cordonNode', { params: { node: 'vm' }, body: {} })
  return world
}

/** The queue is disabled: a job of alice's, one of bob's, and an array of alice's wait. */
async function waiting(): Promise<GridEngineWorld> {
  const world = await empty()
  await world.submit('alice', 110, '-N ops -b y sleep 60')
  await world.submit('bob', 111, '-b y sleep 60')
  await world.submit('alice', 112, '-t 1-5 -N opsarr -b y sleep 60')
  return world
}

/** All four slots are taken: a job, and three of an array's tasks; bob's waits, and one is held. */
async function running(): Promise<GridEngineWorld> {
  const world = await GridEngineWorld.open({ at: '2026-11-22T17:06:31', slots: 4 })
  await world.submit('alice', 121, '-N runner -l h_vmem=1G,h_rt=600 -b y sleep 300')
  await world.submit('alice', 122, '-N rarr -t 1-5 -b y sleep 300')
  await world.start()
  await world.submit('bob', 123, '-N bobs -b y sleep 300')
  await world.grid.clock.advance(2000)
  await world.submit('alice', 124, '-h -N held -b y sleep 300')
  return world
}

/** The situations in which Grid Engine was recorded, made anew on a grid of ours. */
import { GridEngineWorld } from '../support/grid-engine.ts'
import type { Situation } from './verdicts.ts'

export const situations: Readonly<Record<Situation, () => Promise<GridEngineWorld>>> = {
  fresh: () => GridEngineWorld.open(),
}

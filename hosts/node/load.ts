import { join } from 'node:path'
import { type CheckedRun, type DatasetMeta, type PipelineSpec, type Posterior, type Prediction, type Problem, type Values } from 'ockham'
import { readPosterior } from './record.js'
import { restored } from './restore.js'
import { setsOf, type Sets } from './sets.js'
import { readYaml } from './yaml.js'

/** A posterior brought back. */
export interface Loaded {
  readonly posterior: Posterior
  /** What was learnt, its data described. */
  readonly problem: Problem
  /** Where it lies. */
  readonly folder: string
  /** What it was trained on. */
  readonly meta: DatasetMeta
  predict(x: Values, options?: Parameters<Posterior['predict']>[1]): Promise<Prediction>
  /** Conformal sets or intervals, where the run took a threshold (evaluation `conformal`). Throws `OCK-CONFORMAL-006` where it did not. */
  sets(x: Values, options?: Parameters<Posterior['predict']>[1]): Promise<Sets>
}

/** Restores what a run learnt from its folder. */
export async function loadPosterior(folder: string, check: (spec: PipelineSpec) => Promise<readonly CheckedRun[]>): Promise<Loaded> {
  const kept = readPosterior(folder)
  const { posterior, problem } = await restored(kept, readYaml(join(folder, 'spec.yaml')), check)
  return {
    posterior,
    problem,
    folder,
    meta: kept.dataset,
    predict: (x, options) => posterior.predict(x, options),
    sets: async (x, options) => setsOf(folder, await posterior.predict(x, options)),
  }
}

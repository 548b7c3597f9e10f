import { join } from 'node:path'
import {
  fromPlain,
  InputError,
  problemOf,
  type CheckedRun,
  type Dataset,
  type DatasetMeta,
  type Json,
  type PipelineSpec,
  type Posterior,
  type Prediction,
  type Values,
} from 'ockham'
import { readPosterior } from './record.js'
import { readYaml } from './yaml.js'

/** A posterior brought back. */
export interface Loaded {
  readonly posterior: Posterior
  /** Where it lies. */
  readonly folder: string
  /** What it was trained on. */
  readonly meta: DatasetMeta
  predict(x: Values, options?: Parameters<Posterior['predict']>[1]): Promise<Prediction>
}

/** The dataset a posterior was learnt from, when only its description is at hand. */
const described = (meta: DatasetMeta): Dataset => ({
  meta,
  read: () =>
    Promise.reject(
      new InputError({
        code: 'OCK-RUN-012',
        what: 'a loaded posterior has no data to read',
        remedy: 'compose a pipeline with the dataset and initial: this run',
      }),
    ),
})

/** Composes model, objective and inference of a run's spec, not its data, and restores what was saved. */
export async function loadPosterior(folder: string, check: (spec: PipelineSpec) => Promise<readonly CheckedRun[]>): Promise<Loaded> {
  const { saved, dataset: meta } = readPosterior(folder)
  const { model, objective, inference, seed } = readYaml(join(folder, 'spec.yaml')) as Record<string, Json>
  const served = {
    ...fromPlain({ seed: seed ?? 0, model, objective, inference, dataset: 'described' } as Json),
    dataset: described(meta),
  } as PipelineSpec
  const [checked] = await check(served)
  const composition = await checked!.create()
  const { inference: learnt, ...parts } = composition
  const { initial: _, ...pieces } = parts
  const posterior = await learnt.restore(saved, problemOf(pieces))
  return { posterior, folder, meta, predict: (x, options) => posterior.predict(x, options) }
}

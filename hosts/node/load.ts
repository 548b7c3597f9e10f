import { join } from 'node:path'
import {
  InputError,
  inputsOf,
  type CheckedRun,
  type DatasetMeta,
  type PipelineSpec,
  type Posterior,
  type Prediction,
  type Problem,
  type Values,
} from 'ockham'
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
  /** Throws `OCK-RUN-016` where `x` lacks an input of the dataset, or has examples of a size that the model does not take. */
  predict(x: Values, options?: Parameters<Posterior['predict']>[1]): Promise<Prediction>
  /** Conformal sets or intervals, where the run took a threshold (evaluation `conformal`). Throws `OCK-CONFORMAL-006` where it did not. */
  sets(x: Values, options?: Parameters<Posterior['predict']>[1]): Promise<Sets>
}

const fault = (folder: string, { shapes }: DatasetMeta, what: string): ConstructorParameters<typeof InputError>[0] => ({
  code: 'OCK-RUN-016',
  what,
  where: folder,
  remedy: `give rows of ${inputNames(shapes)
    .map((name) => `${name}, ${shapes[name]!.dtype} [n, ${shapes[name]!.shape.join(', ')}]`)
    .join('; ')}`,
})

const inputNames = (shapes: DatasetMeta['shapes']): string[] => Object.keys(inputsOf(shapes))

/** Predicts, and says what a run takes where it was given something else. */
async function predicted(posterior: Posterior, folder: string, meta: DatasetMeta, [x, options]: Parameters<Posterior['predict']>) {
  const missing = inputNames(meta.shapes).filter((name) => !x[name])
  if (missing.length > 0) throw new InputError(fault(folder, meta, `there is no ${missing.join(', ')} among the inputs`))
  try {
    return await posterior.predict(x, options)
  } catch (cause) {
    const other = inputNames(meta.shapes).find((name) => x[name]!.shape.slice(1).join() !== meta.shapes[name]!.shape.join())
    if (!(cause instanceof InputError) || other === undefined) throw cause
    const what = `${other} is [${x[other]!.shape.join(', ')}], and the model does not take it: ${cause.problems[0]!.what}`
    throw new InputError(fault(folder, meta, what), { cause })
  }
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
    predict: (x, options) => predicted(posterior, folder, kept.dataset, [x, options]),
    sets: async (x, options) => setsOf(folder, await predicted(posterior, folder, kept.dataset, [x, options])),
  }
}

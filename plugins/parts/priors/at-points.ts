import type { Dataset, Input, Prior, Step } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { slot } from 'ockham'
import { z } from 'zod'
import { contextPoints, counting, table } from '../context/index.js'
import { asInput } from '../training/index.js'
import { normal, normalOptions } from './normal.js'

/** Options of priors on the function at points of a context set. */
export const contextShape = {
  context: slot('dataset').describe('inputs of the points; labels are not read'),
  contextSize: z.int().positive().default(128).describe('points drawn a step'),
  scale: normalOptions.shape.scale
    .unwrap()
    .optional()
    .describe('standard deviation of the parameters, as in the prior normal, which is then added; none unless given'),
}

export interface ContextOptions {
  readonly context: Dataset
  readonly contextSize: number
  readonly scale?: number | Readonly<Record<string, number>> | undefined
}

/** Outputs at the points of a step [n, C], and which of them count [n, 1]: those of the context, and the batch's where asked. */
export function outputsAt({ y, batch, batchRows }: Step, withBatch: boolean): { readonly outputs: Tensor; readonly mask: Tensor } {
  const all = table(y)
  const others = all.shape[0] - batchRows
  if (withBatch) return { outputs: all, mask: counting(batch.weight, others) }
  return { outputs: all.slice([batchRows]), mask: tf.ones([others, 1]) }
}

/** A prior whose energy is of the outputs at context points, from the one joint pass; with `scale`, the normal prior's is added. */
export function atContext({ context, contextSize, scale }: ContextOptions, energy: (step: Step) => Scalar): Prior {
  const weights = scale === undefined ? undefined : normal({ scale })
  return {
    ...(weights && { init: weights.init! }),
    ...contextPoints(context, contextSize),
    rows: (feed): Input => asInput(feed),
    energy: (step) => (weights ? energy(step).add<Scalar>(weights.energy(step)) : energy(step)),
  }
}

import type { Dataset, Prior, Step } from 'ockham'
import { slot } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { z } from 'zod'
import { contextPoints, counting, noisePoints } from '../../parts/context/index.js'
import { asInput } from '../../parts/training/index.js'

/** Options that say where the function is looked at: the distribution p_X of the paper. */
export const pointShape = {
  points: z
    .enum(['batch', 'joint', 'context', 'noise'])
    .optional()
    .describe('p_X: the batch; batch and context together (where there is a context); the context alone; standard normal inputs'),
  context: slot('dataset').optional().describe('inputs beside the batch; labels are not read'),
  contextSize: z.int().positive().default(128).describe('points of context or noise a step'),
}

/** Whether `points` and `context` fit together, for a schema's `refine`. */
export const pointsFit = ({ points, context }: { points?: string | undefined; context?: unknown }): boolean =>
  points === undefined || (points === 'joint' || points === 'context') === (context !== undefined)

export const pointsMisfit = { error: 'joint and context need a context, batch and noise take none', path: ['points'] }

export interface Points {
  readonly points?: 'batch' | 'joint' | 'context' | 'noise' | undefined
  readonly context?: Dataset | undefined
  readonly contextSize: number
}

export interface Looked {
  /** The prior's feed and rows, empty where the batch is enough. */
  readonly extra: Pick<Prior, 'feed' | 'rows'>
  /** 1 for rows of the joint pass that are points, else 0. [n, 1] */
  mask(step: Step): Tensor
}

/** Where a function is looked at. Extra points go through the network with the batch, as batch norm's moments are of both. */
export function looked({ points, context, contextSize }: Points): Looked {
  const of = points ?? (context ? 'joint' : 'batch')
  const fed = of === 'noise' ? noisePoints(contextSize) : of === 'batch' ? undefined : contextPoints(context!, contextSize)
  return {
    extra: fed ? { ...fed, rows: asInput } : {},
    mask({ batch: { weight }, batchRows, y }) {
      const counted = of === 'batch' || of === 'joint' ? weight : tf.zerosLike(weight)
      return counting(counted, y.shape[0] - batchRows)
    },
  }
}

import type { Dataset } from 'ockham'
import { hostKey } from 'ockham'
import { z } from 'zod'
import { memory } from './memory.js'
import { seedOption, splitOption } from './options.js'
import { size } from './gather.js'

export const whiteNoiseOptions = z.strictObject({
  shape: z.array(z.number().int().positive()).min(1).describe('of one input: [32, 32, 3]'),
  n: z.number().int().positive().default(10_000).describe('inputs'),
  seed: seedOption,
  split: splitOption,
})

export type WhiteNoiseOptions = z.output<typeof whiteNoiseOptions>

/**
 * Inputs of independent standard normal numbers, as a model sees them: under the scaling of another dataset they are the same numbers.
 * Unlabelled, one split `train`.
 */
export function whiteNoise({ shape, n, seed, split }: WhiteNoiseOptions): Dataset {
  const data = hostKey(seed)
    .fold('white noise')
    .normal([n * size(shape)]).data
  const noise = memory({
    task: 'unlabelled',
    licence: 'none: drawn from a seed',
    splits: { train: { x: { shape, dtype: 'float32', data } } },
    split,
  })
  const under = (scaling: Dataset['scaling']): Dataset => ({ ...noise, ...(scaling && { scaling }), rescaled: under })
  return under(undefined)
}

import type { Dataset, Prior } from 'ockham'
import { InputError, inputsOf } from 'ockham'
import { auxiliary } from '../datasets/index.js'

/** How a prior gets points of its own. */
export type Fed = Required<Pick<Prior, 'feed'>>

/**
 * `size` inputs of a context set, drawn anew each step from a stream of their own under the training set's scaling; labels are not read.
 * Errors: those of an auxiliary dataset, `OCK-DATA-040` to `042`.
 */
export const contextPoints = (context: Dataset, size: number): Fed => ({
  async feed(step, key, problem) {
    const { dataset, split } = auxiliary(context, problem.dataset, 'context')
    const stream = key.fold('context').fold(step)
    const drawn = stream.integers([size], dataset.meta.splits[split]!)
    return inputsOf(await dataset.read(split, drawn, stream.fold('augment')))
  },
})

/** `size` inputs of independent standard normal numbers, in the (scaled) space that the model sees. `OCK-PRIOR-030` where inputs are no numbers. */
export const noisePoints = (size: number): Fed => ({
  feed(step, key, { dataset }) {
    const stream = key.fold('noise').fold(step)
    const inputs = Object.entries(inputsOf(dataset.meta.shapes))
    return Object.fromEntries(
      inputs.map(([name, { shape, dtype }]) => {
        if (dtype !== 'float32')
          throw new InputError({
            code: 'OCK-PRIOR-030',
            what: `inputs '${name}' are ${dtype}, and noise is float32`,
            where: 'prior.points',
            remedy: 'take points from the batch or from a context set',
          })
        return [name, stream.fold(name).normal([size, ...shape])]
      }),
    )
  },
})

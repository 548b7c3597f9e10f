import type { DatasetMeta } from 'ockham'
import { InputError } from 'ockham'

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Numbers in one example's input `x`. Throws `OCK-MODEL-002` where the input is a record of several. */
export function inputSize(meta: DatasetMeta): number {
  const x = meta.shapes['x']
  if (x) return product(x.shape)
  throw new InputError({
    code: 'OCK-MODEL-002',
    what: `the model takes one input x, but the dataset has ${Object.keys(meta.shapes).join(', ') || 'no fields'}`,
    where: 'model',
    remedy: 'choose a model for these inputs',
  })
}

/** Outputs a model needs: one a class, or one a number of the target. Throws `OCK-MODEL-002` where the dataset has no labels. */
export function outputSize(meta: DatasetMeta): number {
  if (meta.classes) return meta.classes.length
  const y = meta.shapes['y']
  if (y) return product(y.shape)
  throw new InputError({
    code: 'OCK-MODEL-002',
    what: 'the number of outputs is unknown: the dataset has neither classes nor a target y',
    where: 'dataset',
    remedy: 'train on a labelled dataset; unlabelled ones serve as context or comparison',
  })
}

import type { DatasetMeta, Input } from 'ockham'
import { InputError } from 'ockham'
import type { Tensor } from 'ockham/tensor'

/** Height, width and channels of a dataset's images; a missing channel axis counts as one channel. Throws `OCK-MODEL-002`. */
export function imageShape(meta: DatasetMeta): readonly [number, number, number] {
  const shape = meta.shapes['x']?.shape
  if (shape?.length === 3) return [shape[0]!, shape[1]!, shape[2]!]
  if (shape?.length === 2) return [shape[0]!, shape[1]!, 1]
  throw new InputError({
    code: 'OCK-MODEL-002',
    what: `the model takes images x [height, width, channels], but ${shape ? `x is [${shape}]` : 'the dataset has no x'}`,
    where: 'model',
    remedy: 'choose a dataset of images, or a model for these inputs such as mlp',
  })
}

/** The input as float images [n, h, w, c]. */
export function asImages(x: Input): Tensor {
  const input = x as Exclude<Input, Readonly<Record<string, unknown>>>
  const images = input.rank === 3 ? input.expandDims(3) : input
  return images.dtype === 'float32' ? images : images.cast('float32')
}

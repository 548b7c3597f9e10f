import type { Scaling, TypedArray, Value } from 'ockham'
import { change, type AugmentOptions } from '../augment.js'
import { gather, scale, size, type Field } from '../gather.js'

/** How rows of images are read: changed as was drawn, then scaled. */
export interface Reading {
  readonly augment: AugmentOptions
  readonly scaling: Scaling | undefined
  /** What {@link drawChanges} drew for these rows. */
  readonly changes: Float64Array
}

/** The rows of images [n, height, width, channels], changed and scaled. The same here and in a worker. */
export function changed(field: Field, rows: TypedArray, { augment, scaling, changes }: Reading): Value {
  const images = gather(field, rows)
  change(images.data as Float32Array, images.shape, augment, changes)
  if (scaling) scale(images.data, size(field.shape), scaling)
  return images
}

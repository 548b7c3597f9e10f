import type { Dataset, Scaling } from 'ockham'
import { InputError } from 'ockham'
import { augment, type AugmentOptions } from './augment.js'
import { memory, type Content } from './memory.js'
import { fitPixels } from './scaling.js'

export interface ImageOptions {
  readonly normalise: boolean | Scaling
  readonly augment?: AugmentOptions | undefined
  readonly split?: string | undefined
}

/** The scaling of images: given, none, or fitted to the split `train`, without one to the first split. */
function scalingOf(splits: Content['splits'], normalise: boolean | Scaling): Scaling | undefined {
  if (typeof normalise === 'object') {
    if (normalise.mean.length === 1 && normalise.std.length === 1) return normalise
    throw new InputError({
      code: 'OCK-DATA-018',
      what: `normalise has ${normalise.mean.length} means and ${normalise.std.length} standard deviations, and grey images have one channel`,
      where: 'option normalise',
      remedy: 'give one of each',
    })
  }
  const fitted = splits['train'] ?? Object.values(splits)[0]!
  return normalise ? fitPixels(fitted['x']!.data as Uint8Array) : undefined
}

/** A dataset of grey images held as bytes, normalised and augmented as the options say. */
export const images = (content: Omit<Content, 'scaling' | 'augment' | 'split'>, options: ImageOptions): Dataset =>
  memory({
    ...content,
    scaling: scalingOf(content.splits, options.normalise),
    split: options.split,
    augment: options.augment && ((pixels, shape, key) => augment(pixels, shape, options.augment!, key)),
  })

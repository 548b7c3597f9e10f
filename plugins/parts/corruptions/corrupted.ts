import { createHash } from 'node:crypto'
import type { Dataset, HostKey, Resolved, Value, Values } from 'ockham'
import { hostKey, InputError, slot } from 'ockham'
import { z } from 'zod'
import { scale } from '../datasets/index.js'
import { coloured, corruptions, families, type Corruption } from './families.js'
import { clip, type Image } from './image.js'

export const corruptedOptions = z.strictObject({
  of: slot('dataset').describe('the dataset of images that are corrupted'),
  corruption: z.enum(corruptions).describe('what is done to each image'),
  severity: z.number().int().min(1).max(5).default(1).describe('from 1, mild, to 5'),
  splits: z.array(z.string()).min(1).default(['test']).describe('splits that are corrupted; the others stay as they are'),
  seed: z.number().int().nonnegative().default(0).describe('what the random parts follow from: an image is always corrupted alike'),
})

type Options = Resolved<z.output<typeof corruptedOptions>>

const fail = (code: string, what: string, remedy: string, where = 'option of'): never => {
  throw new InputError({ code, what, where, remedy })
}

/** Height, width and channels of the dataset's images. Throws `OCK-CORRUPT-001`. */
export function imagesOf({ meta }: Dataset): readonly [number, number, number] {
  const x = meta.shapes['x']
  const [height, width, channels] = x?.shape ?? []
  if (x?.dtype !== 'float32' || x.shape.length !== 3 || !(channels === 1 || channels === 3))
    return fail('OCK-CORRUPT-001', 'the dataset has no images [height, width, 1 or 3]', 'choose a dataset of images, such as cifar10')
  return [height!, width!, channels]
}

/** The same images unscaled, in [0, 1]. Throws `OCK-CORRUPT-002` where the dataset cannot give them. */
export function unscaled(dataset: Dataset): Dataset {
  if (!dataset.scaling) return dataset
  return (
    dataset.rescaled?.(undefined) ??
    fail('OCK-CORRUPT-002', 'the dataset cannot be read without its scaling', 'give it the method rescaled')
  )
}

/** Images [n, height, width, channels] in [0, 1], each corrupted and cut to 8 bits; row r's random parts are of the stream r below `key`. */
export function corrupt(x: Value, rows: ArrayLike<number>, corruption: Corruption, severity: number, key: HostKey): Value {
  const [count, height, width, channels] = x.shape as [number, number, number, number]
  const size = height * width * channels
  const data = new Float32Array(x.data.length)
  const change = families[corruption][severity - 1]!
  for (let i = 0; i < count; i++) {
    const image: Image = { height, width, channels, data: x.data.subarray(i * size, (i + 1) * size) as Float32Array }
    const { data: made } = change(image, key.fold(rows[i]!))
    for (let j = 0; j < size; j++) data[i * size + j] = Math.floor(255 * clip(made[j]!) + 1e-4) / 255
  }
  return { shape: x.shape, dtype: 'float32', data }
}

/**
 * A dataset whose images are corrupted, by the recipe of CIFAR-10-C. An image is always corrupted alike, whatever is read with it.
 * Errors: `OCK-DATA-001` unknown split, `OCK-CORRUPT-001` no images, `002` scaling that cannot be undone, `003` a corruption of colours.
 */
export function corrupted({ of, corruption, severity, splits, seed }: Options): Dataset {
  const [, , channels] = imagesOf(of)
  if (channels === 1 && coloured.has(corruption))
    fail('OCK-CORRUPT-003', `${corruption} changes colours, and the images are grey`, 'choose another corruption', 'option corruption')
  for (const split of splits)
    if (of.meta.splits[split] === undefined)
      fail(
        'OCK-DATA-001',
        `the dataset has no split '${split}'`,
        `use one of its splits: ${Object.keys(of.meta.splits).join(', ')}`,
        'option splits',
      )
  const raw = unscaled(of)
  const digest = createHash('sha256')
    .update(JSON.stringify([of.meta.digest, corruption, severity, [...splits].sort(), seed]))
    .digest('hex')
  const stream = hostKey(seed).fold('corrupted').fold(corruption)
  const over = (inner: Dataset): Dataset => ({
    ...inner,
    meta: { ...inner.meta, digest },
    async read(split: string, rows: Value, key?: HostKey): Promise<Values> {
      if (!splits.includes(split)) return inner.read(split, rows, key)
      const { x, ...fields } = await raw.read(split, rows, key)
      const images = corrupt(x!, rows.data, corruption, severity, stream.fold(split))
      if (inner.scaling) scale(images.data, images.data.length / rows.data.length, inner.scaling)
      return { ...fields, x: images }
    },
    ...(inner.rescaled && { rescaled: (scaling) => over(inner.rescaled!(scaling)) }),
  })
  return over(of)
}

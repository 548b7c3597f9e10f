import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Dataset } from 'ockham'
import { InputError, Problems } from 'ockham'
import { z } from 'zod'
import { deal, share, take } from './holdout.js'
import { readPair } from './idx.js'
import { images } from './images.js'
import type { Fields } from './memory.js'
import { heldOut, imageOptions, seedOption } from './options.js'

export const idxImagesOptions = z
  .strictObject({
    root: z
      .string()
      .min(1)
      .optional()
      .describe('folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-…, each with or without .gz'),
    images: z
      .string()
      .min(1)
      .optional()
      .describe('instead of a folder: one file of images and one of labels, the split train unless split names it'),
    labels: z.string().min(1).optional().describe('file of labels beside images; without it the split is unlabelled'),
    classes: z.array(z.string()).min(1).max(256).default(Array.from('0123456789')).describe('class names in label order'),
    validation: heldOut.describe('rows of train to hold out as validation: below 1 a fraction, from 1 a number'),
    splitSeed: seedOption,
    ...imageOptions,
  })
  .refine((o) => (o.root === undefined) !== (o.images === undefined), 'give either root, a folder, or images, a file')
  .refine((o) => o.labels === undefined || o.images !== undefined, 'labels stand beside images; a root has its own')

export type IdxImagesOptions = z.output<typeof idxImagesOptions>

type Pair = readonly [images: string, labels: string | undefined]

const prefixes = { train: 'train', test: 't10k' }

/** The files of each split in a folder of the usual names. Errors: `OCK-DATA-016` where it has none of them. */
function filesIn(root: string): Record<string, Pair> {
  const path = (name: string): string => [`${name}.gz`, name].map((file) => join(root, file)).find(existsSync) ?? join(root, `${name}.gz`)
  const pairs = Object.entries(prefixes).map(([split, prefix]): [string, Pair] => [
    split,
    [path(`${prefix}-images-idx3-ubyte`), path(`${prefix}-labels-idx1-ubyte`)],
  ])
  // A split counts as present where either file is: the missing one is then reported by its name.
  const present = pairs.filter(([, files]) => files.some((file) => existsSync(file!)))
  if (present.length > 0) return Object.fromEntries(present)
  throw new InputError({
    code: 'OCK-DATA-016',
    what: existsSync(root) ? 'the folder holds no IDX images under their usual names' : 'the folder does not exist',
    where: root,
    remedy: 'put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-… and t10k-labels-… there, or give images and labels',
  })
}

/** Reads every file whole; all that is wrong with any of them is one error. */
async function readSplits(files: Record<string, Pair>, classes: readonly string[]): Promise<Record<string, Fields>> {
  const problems = new Problems()
  const splits: Record<string, Fields> = {}
  let first: { readonly file: string; readonly size: string } | undefined
  for (const [split, [imageFile, labelFile]] of Object.entries(files)) {
    const read = await readPair(imageFile, labelFile, classes, problems)
    if (!read) continue
    const { height, width, pixels } = read.images
    const size = `${height} × ${width}`
    first ??= { file: imageFile, size }
    if (size !== first.size)
      problems.add({
        code: 'OCK-DATA-014',
        what: `images of ${size} pixels here, and of ${first.size} in ${first.file}`,
        where: imageFile,
        remedy: 'give files of images of one size',
      })
    splits[split] = {
      x: { shape: [height, width, 1], dtype: 'float32', data: pixels },
      ...(read.labels && { y: { shape: [], dtype: 'int32', data: read.labels } }),
    }
  }
  problems.check()
  return splits
}

/**
 * Grey images in MNIST's IDX files: `x` float32 [n, height, width, 1], `y` int32 [n]. Files are read and checked whole at once.
 * Errors: `OCK-DATA-001`, `010` to `018`.
 */
export async function idxImages(options: IdxImagesOptions): Promise<Dataset> {
  const { root, images: imageFile, labels, classes, validation, splitSeed, split = 'train' } = options
  const files = root === undefined ? { [split]: [imageFile!, labels] as Pair } : filesIn(root)
  const splits = await readSplits(files, classes)
  const rows = splits['train'] ? splits['train']['x']!.data.length / (splits['train']['x']!.shape[0]! * splits['train']['x']!.shape[1]!) : 0
  const held = share(validation, rows)
  if (validation > 0 && rows === 0)
    throw new InputError({
      code: 'OCK-DATA-017',
      what: 'validation rows are taken from the split train, and there is none',
      where: root ?? imageFile!,
      remedy: 'leave validation out, or add the training files',
    })
  if (held > 0) {
    const whole = splits['train']!
    const parts = deal(rows, { validation: held }, splitSeed, root ?? imageFile!)
    for (const [name, of] of Object.entries(parts)) splits[name] = take(whole, of)
  }
  const labelled = labels !== undefined || root !== undefined
  return images(
    { task: labelled ? 'classification' : 'unlabelled', ...(labelled && { classes }), licence: 'unknown: of the files given', splits },
    options,
  )
}

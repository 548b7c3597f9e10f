import type { Dataset } from 'ockham'
import { InputError } from 'ockham'
import { z } from 'zod'
import { deal, share, take } from './holdout.js'
import { images } from './images.js'
import type { Fields } from './memory.js'
import { heldOut, imageOptions, seedOption } from './options.js'
import { decodeAll, filed, filesBelow, type Filed } from './picture-files.js'

export const splitNames = ['train', 'validation', 'test']

const pixelsOption = z.number().int().positive()

export const imageFolderOptions = z.strictObject({
  root: z.string().min(1).describe('folder or tar archive with pictures at <class>/<file> or <split>/<class>/<file>, JPEG or PNG'),
  size: z
    .union([pixelsOption, z.tuple([pixelsOption, pixelsOption])])
    .optional()
    .describe('side, or height and width, that pictures are scaled to, their middle kept; without it all have one size'),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .default(3)
    .describe('3: RGB; 1: grey'),
  classes: z.array(z.string()).min(1).optional().describe('folders that are read, in label order; by default all, by name'),
  test: heldOut.describe('where folders name no splits: rows to hold out as test; below 1 a fraction, from 1 a number'),
  validation: heldOut.describe('rows of train to hold out as validation: below 1 a fraction, from 1 a number'),
  splitSeed: seedOption,
  ...imageOptions,
})

export type ImageFolderOptions = z.output<typeof imageFolderOptions>

const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Pictures of the classes, and the classes. Errors: `OCK-DATA-075` for classes without a folder. */
function ofClasses(files: readonly Filed[], root: string, wanted: readonly string[] | undefined): { files: Filed[]; classes: string[] } {
  const found = [...new Set(files.map((file) => file.class))].sort(byCode)
  const missing = wanted?.filter((name) => !found.includes(name)) ?? []
  if (missing.length > 0)
    throw new InputError({
      code: 'OCK-DATA-075',
      what: `there are no pictures of ${missing.join(', ')}`,
      where: root,
      remedy: `its classes are ${found.join(', ')}`,
    })
  const classes = wanted ? [...wanted] : found
  return { files: files.filter((file) => classes.includes(file.class)), classes }
}

/** Decodes the pictures of folders. One part a split, in the order of class and file. */
export async function readFolder(
  root: string,
  { classes: wanted, size, channels, workers }: Pick<ImageFolderOptions, 'classes' | 'size' | 'channels' | 'workers'>,
  given?: readonly Filed[],
): Promise<{ classes: string[]; splits: Record<string, Fields> }> {
  const { files, classes } = ofClasses(given ?? filed(await filesBelow(root), root, splitNames), root, wanted)
  const extent =
    size === undefined ? undefined : typeof size === 'number' ? { height: size, width: size } : { height: size[0], width: size[1] }
  const read = await decodeAll(files, { size: extent, channels, workers })
  const whole: Fields = {
    x: { shape: [read.size.height, read.size.width, channels], dtype: 'float32', data: read.pixels },
    y: { shape: [], dtype: 'int32', data: Int32Array.from(files, (file) => classes.indexOf(file.class)) },
  }
  const names = [...new Set(files.map(({ split = 'train' }) => split))].sort((a, b) => splitNames.indexOf(a) - splitNames.indexOf(b))
  const rowsOf = (name: string): number[] => files.flatMap(({ split = 'train' }, row) => (split === name ? [row] : []))
  if (names.length === 1) return { classes, splits: { [names[0]!]: whole } }
  return { classes, splits: Object.fromEntries(names.map((name) => [name, take(whole, rowsOf(name))])) }
}

/** The split `train` dealt to train and what is held out of it. Errors: `OCK-DATA-017`. */
export function heldOutOf(
  splits: Record<string, Fields>,
  parts: Readonly<Record<string, number>>,
  seed: number,
  root: string,
): Record<string, Fields> {
  const train = splits['train']
  const rows = train ? train['y']!.data.length : 0
  const sizes = Object.fromEntries(Object.entries(parts).flatMap(([name, part]) => (part > 0 ? [[name, share(part, rows)]] : [])))
  const again = Object.keys(sizes).find((name) => name in splits)
  if (Object.keys(sizes).length === 0) return splits
  if (!train || again)
    throw new InputError({
      code: 'OCK-DATA-017',
      what: again ? `there is a split ${again} already` : 'rows are held out of the split train, and there is none',
      where: root,
      remedy: `leave the option ${again ?? Object.keys(sizes).join(' and ')} out`,
    })
  const dealt = deal(rows, sizes, seed, root)
  return { ...splits, ...Object.fromEntries(Object.entries(dealt).map(([name, of]) => [name, take(train, of)])) }
}

/**
 * Pictures in a folder a class: `x` float32 [n, height, width, channels], `y` int32 [n]. All are decoded at once and held as bytes.
 * Errors: `OCK-DATA-001`, `010`, `011`, `017`, `018`, `070` to `075`.
 */
export async function imageFolder(options: ImageFolderOptions): Promise<Dataset> {
  const { root, test, validation, splitSeed } = options
  const { classes, splits } = await readFolder(root, options)
  const parts = heldOutOf(splits, { test, validation }, splitSeed, root)
  return images({ task: 'classification', classes, licence: 'unknown: of the files given', splits: parts, unit: 'image' }, options)
}

/*
 * CIFAR-10, Krizhevsky 2009 ("Learning multiple layers of features from tiny images"): 32 × 32 colour pictures of ten classes.
 */
import type { Dataset } from 'ockham'
import { InputError } from 'ockham'
import { z } from 'zod'
import { readBytes } from './files.js'
import { heldOutOf, readFolder, splitNames } from './image-folder.js'
import { images } from './images.js'
import type { Fields } from './memory.js'
import { heldOut, imageOptions, seedOption } from './options.js'
import { filed, filesBelow } from './picture-files.js'
import type { Source } from './workers/load.js'

const classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck']

export const cifar10Options = z.strictObject({
  root: z
    .string()
    .min(1)
    .describe(
      'folder with data_batch_1.bin, …, test_batch.bin, or with <split>/<class>/ of pictures; or a tar archive of either, or its folder',
    ),
  classes: z.array(z.enum(classes)).min(1).optional().describe('classes that are read, in label order; by default all ten'),
  validation: heldOut.describe('rows of train to hold out as validation: below 1 a fraction, from 1 a number'),
  splitSeed: seedOption,
  ...imageOptions,
})

export type Cifar10Options = z.output<typeof cifar10Options>

const PIXELS = 32 * 32
const RECORD = 1 + 3 * PIXELS

/** The split of a batch file of the binary version. */
const splitOf = (name: string): string | undefined =>
  /data_batch_\d+\.bin$/.test(name) ? 'train' : name.endsWith('test_batch.bin') ? 'test' : undefined

const fail = (code: string, what: string, where: string, remedy: string): never => {
  throw new InputError({ code, what, where, remedy })
}

/** Records of a label and 3 × 1024 bytes, channel by channel, as pictures of the wanted classes. Errors: `OCK-DATA-012`, `015`. */
function records(files: readonly { readonly name: string; readonly bytes: Uint8Array }[], wanted: readonly string[]): Fields {
  const label = new Map(wanted.map((name, i) => [classes.indexOf(name), i]))
  const pixels: Uint8Array[] = []
  const labels: number[] = []
  for (const { name, bytes } of files) {
    if (bytes.length === 0 || bytes.length % RECORD !== 0)
      fail('OCK-DATA-012', `the file has ${bytes.length} bytes, and a record has ${RECORD}`, name, 'download it again: it is cut off')
    for (let from = 0; from < bytes.length; from += RECORD) {
      const found = bytes[from]!
      if (found >= classes.length)
        fail('OCK-DATA-015', `label ${found} is outside the ten classes`, `${name}, record ${from / RECORD}`, 'download the file again')
      const at = label.get(found)
      if (at === undefined) continue
      const picture = new Uint8Array(3 * PIXELS)
      for (let i = 0; i < PIXELS; i++) for (let c = 0; c < 3; c++) picture[3 * i + c] = bytes[from + 1 + c * PIXELS + i]!
      pixels.push(picture)
      labels.push(at)
    }
  }
  const data = new Uint8Array(labels.length * 3 * PIXELS)
  pixels.forEach((picture, i) => data.set(picture, i * 3 * PIXELS))
  return { x: { shape: [32, 32, 3], dtype: 'float32', data }, y: { shape: [], dtype: 'int32', data: Int32Array.from(labels) } }
}

async function readBatches(files: readonly Source[], wanted: readonly string[]): Promise<Record<string, Fields>> {
  const splits: Record<string, Fields> = {}
  for (const split of ['train', 'test']) {
    const batches = []
    for (const { name, bytes } of files) if (splitOf(name) === split) batches.push({ name, bytes: bytes ?? (await readBytes(name)) })
    if (batches.length > 0) splits[split] = records(batches, wanted)
  }
  return splits
}

/**
 * CIFAR-10 from its binary version or from pictures: `x` float32 [n, 32, 32, 3], `y` int32 [n]; splits `train`, `test`, `validation`.
 * Errors: `OCK-DATA-001`, `010` to `012`, `015`, `017`, `018`, `070` to `075`.
 */
export async function cifar10(options: Cifar10Options): Promise<Dataset> {
  const { root, validation, splitSeed, workers, classes: wanted = classes } = options
  const files = await filesBelow(root)
  const splits = files.some(({ name }) => splitOf(name))
    ? await readBatches(files, wanted)
    : (await readFolder(root, { classes: [...wanted], channels: 3, size: undefined, workers }, filed(files, root, splitNames))).splits
  const { shape } = Object.values(splits)[0]!['x']!
  if (shape[0] !== 32 || shape[1] !== 32)
    fail(
      'OCK-DATA-072',
      `the pictures are ${shape[0]} × ${shape[1]} pixels, and CIFAR-10's 32 × 32`,
      root,
      'use image-folder for other pictures',
    )
  const parts = heldOutOf(splits, { validation }, splitSeed, root)
  return images({ task: 'classification', classes: wanted, licence: 'unknown: of the files given', splits: parts, unit: 'image' }, options)
}

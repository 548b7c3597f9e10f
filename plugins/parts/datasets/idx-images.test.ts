import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hostKey } from 'ockham'
import { idxImages, idxImagesOptions } from './idx-images.js'
import { all, faults, folder, idxBytes, put, putPair, rows, shared } from './testing/files.js'

const load = (options: object): ReturnType<typeof idxImages> => idxImages(idxImagesOptions.parse(options))

function pair(): string {
  const root = folder()
  putPair(root, 'train', [0, 1, 2, 1])
  putPair(root, 't10k', [3, 0])
  return root
}

test('a folder of the usual names gives train and test', async () => {
  const dataset = await load({ root: pair(), normalise: false })
  expect(dataset.meta.splits).toEqual({ train: 4, test: 2 })
  expect(dataset.meta.shapes).toEqual({ x: { shape: [2, 2, 1], dtype: 'float32' }, y: { shape: [], dtype: 'int32' } })
  expect(dataset.meta.counts!['train']!.class).toEqual([1, 2, 1, 0, 0, 0, 0, 0, 0, 0])
  expect(dataset.scaling).toBeUndefined()
  const { x, y } = await dataset.read('train', rows(2, 0))
  expect(x!.shape).toEqual([2, 2, 2, 1])
  expect(Array.from(x!.data)).toEqual([20, 20, 20, 20, 0, 0, 0, 0].map((grey) => Math.fround(grey / 255)))
  expect(Array.from(y!.data)).toEqual([2, 0])
})

test('normalised by mean and standard deviation of the training pixels', async () => {
  const dataset = await load({ root: pair() })
  const greys = [0, 10, 20, 30].map((grey) => grey / 255)
  const mean = 15 / 255
  const std = Math.sqrt(greys.reduce((s, grey) => s + (grey - mean) ** 2, 0) / 4)
  expect(dataset.scaling!.mean[0]).toBeCloseTo(mean, 12)
  expect(dataset.scaling!.std[0]).toBeCloseTo(std, 12)
  const { x } = await dataset.read('train', rows(3))
  expect(x!.data[0]).toBeCloseTo((30 / 255 - mean) / std, 6)
  const raw = await dataset.rescaled!(undefined).read('train', rows(3))
  expect(raw['x']!.data[0]).toBeCloseTo(30 / 255, 6)
  expect(dataset.rescaled!(undefined).meta.digest).toBe(dataset.meta.digest)
})

test('only t10k files: the one split test; a pair of files: train, or as it is named', async () => {
  const root = folder()
  putPair(root, 't10k', [0, 1])
  expect((await load({ root })).meta.splits).toEqual({ test: 2 })
  const files = { images: join(root, 't10k-images-idx3-ubyte.gz'), labels: join(root, 't10k-labels-idx1-ubyte.gz') }
  expect((await load(files)).meta.splits).toEqual({ train: 2 })
  const named = await load({ ...files, split: 'letters' })
  expect(named.meta.splits).toEqual({ letters: 2 })
  expect(named.split).toBe('letters')
  const bare = await load({ images: files.images })
  expect(bare.meta.task).toBe('unlabelled')
  expect(Object.keys(await bare.read('train', rows(0)))).toEqual(['x'])
})

test('unpacked files are read too', async () => {
  const root = folder()
  put(root, 'train-images-idx3-ubyte', idxBytes(2051, [1, 1, 1], [51]))
  put(root, 'train-labels-idx1-ubyte', idxBytes(2049, [1], [7]))
  const { x, y } = await all(await load({ root, normalise: false }), 'train')
  expect(x!.data[0]).toBeCloseTo(0.2, 6)
  expect(y!.data[0]).toBe(7)
})

test('validation rows are held out of train: disjoint, complete, the same for the same seed', async () => {
  const root = folder()
  putPair(
    root,
    'train',
    Array.from({ length: 20 }, (_, i) => i % 10),
  )
  const greys = async (options: object, split: string): Promise<number[]> =>
    Array.from((await all(await load({ root, normalise: false, ...options }), split))['x']!.data).filter((_, i) => i % 4 === 0)
  const [train, validation] = [await greys({ validation: 0.25 }, 'train'), await greys({ validation: 0.25 }, 'validation')]
  expect(validation).toHaveLength(5)
  expect([...train, ...validation].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => Math.fround((10 * i) / 255)))
  expect(await greys({ validation: 5 }, 'validation')).toEqual(validation)
  expect(await greys({ validation: 5, splitSeed: 1 }, 'validation')).not.toEqual(validation)
  expect((await faults(() => load({ root, validation: 20 })))[0]!.code).toBe('OCK-DATA-017')
})

test('augments only with a key, and the same for the same key', async () => {
  const root = folder()
  put(
    root,
    'train-images-idx3-ubyte.gz',
    idxBytes(
      2051,
      [2, 8, 8],
      Array.from({ length: 128 }, (_, i) => (i * 37) % 256),
    ),
  )
  put(root, 'train-labels-idx1-ubyte.gz', idxBytes(2049, [2], [0, 1]))
  const dataset = await load({ root, augment: { shift: 2, rotate: 20, blur: 1 } })
  const read = async (seed?: number): Promise<number[]> =>
    Array.from((await dataset.read('train', rows(0, 1), seed === undefined ? undefined : hostKey(seed)))['x']!.data)
  expect(await read()).toEqual(await read())
  expect(await read(1)).toEqual(await read(1))
  expect(await read(1)).not.toEqual(await read())
  expect(await read(1)).not.toEqual(await read(2))
})

test('everything wrong with every file is one error, with file, row and remedy', async () => {
  const root = folder()
  putPair(root, 'train', [0, 12, 1])
  putPair(root, 't10k', [0, 1])
  const packed = readFileSync(join(root, 't10k-images-idx3-ubyte.gz'))
  writeFileSync(join(root, 't10k-images-idx3-ubyte.gz'), packed.subarray(0, packed.length - 9))
  const found = await faults(() => load({ root }))
  expect(found.map((f) => f.code)).toEqual(['OCK-DATA-015', 'OCK-DATA-011'])
  expect(found[0]!.where).toMatch(/train-labels-idx1-ubyte\.gz, row 1$/)
  expect(found[0]!.what).toContain('label 12')
  expect(found[1]!.where).toMatch(/t10k-images/)
  for (const fault of found) expect(fault.remedy).toBeTruthy()
})

const images = (bytes: Uint8Array): string => {
  const root = folder()
  put(root, 'train-images-idx3-ubyte.gz', bytes)
  put(root, 'train-labels-idx1-ubyte.gz', idxBytes(2049, [2], [0, 1]))
  return root
}

test.each([
  ['a wrong magic number', idxBytes(2049, [2, 2, 2], new Array<number>(8).fill(0)), 'OCK-DATA-013', 'these are labels'],
  ['bytes missing', idxBytes(2051, [2, 2, 2], [0, 0, 0]), 'OCK-DATA-012', '8 bytes, and 3 follow'],
  ['bytes to spare', idxBytes(2051, [2, 2, 2], new Array<number>(9).fill(0)), 'OCK-DATA-012', '8 bytes, and 9 follow'],
  ['no header', new Uint8Array(3), 'OCK-DATA-012', 'less than its header'],
  ['nothing inside', idxBytes(2051, [0, 28, 28], []), 'OCK-DATA-012', 'holds nothing'],
  ['a header that claims terabytes', idxBytes(2051, [0xffffffff, 28, 28], [0]), 'OCK-DATA-012', 'and 1 follow'],
  ['another count than the labels', idxBytes(2051, [3, 1, 1], [0, 0, 0]), 'OCK-DATA-014', '3 images and 2 labels'],
])('images with %s', async (_, bytes, code, what) => {
  const [first] = await faults(() => load({ root: images(bytes) }))
  expect(first!.code).toBe(code)
  expect(first!.what).toContain(what)
})

test('a missing file, a missing folder, an unknown split, a file that only claims to be gzip', async () => {
  const root = pair()
  const missing = folder()
  put(missing, 'train-images-idx3-ubyte.gz', idxBytes(2051, [1, 1, 1], [0]))
  const [fault] = await faults(() => load({ root: missing }))
  expect(fault!.code).toBe('OCK-DATA-010')
  expect(fault!.where).toMatch(/train-labels-idx1-ubyte\.gz$/)
  expect((await faults(() => load({ root: join(root, 'none') })))[0]!.code).toBe('OCK-DATA-016')
  expect((await faults(() => load({ root, split: 'letters' })))[0]!.remedy).toContain('train, test')
  writeFileSync(join(root, 'train-images-idx3-ubyte.gz'), 'plain text')
  expect((await faults(() => load({ root })))[0]!.code).toBe('OCK-DATA-011')
  const dataset = await load({ root: pair() })
  expect(() => dataset.read('test', rows(2))).toThrow('OCK-DATA-002')
  expect(() => dataset.read('validation', rows(0))).toThrow('OCK-DATA-001')
})

test('images of different sizes in train and test', async () => {
  const root = folder()
  putPair(root, 'train', [0])
  put(root, 't10k-images-idx3-ubyte.gz', idxBytes(2051, [1, 3, 3], new Array<number>(9).fill(0)))
  put(root, 't10k-labels-idx1-ubyte.gz', idxBytes(2049, [1], [0]))
  expect((await faults(() => load({ root })))[0]!.what).toContain('3 × 3')
})

test('options are checked', () => {
  expect(idxImagesOptions.safeParse({}).success).toBe(false)
  expect(idxImagesOptions.safeParse({ root: 'a', images: 'b' }).success).toBe(false)
  expect(idxImagesOptions.safeParse({ root: 'a', labels: 'b' }).success).toBe(false)
  expect(idxImagesOptions.safeParse({ root: 'a', validation: 1.5 }).success).toBe(false)
})

const mnist = shared('mnist')
test.skipIf(!mnist)('MNIST', async () => {
  const dataset = await load({ root: mnist, validation: 5000 })
  expect(dataset.meta.splits).toEqual({ train: 55000, test: 10000, validation: 5000 })
  expect(dataset.meta.counts!['test']!.class).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
  // Known for the whole training set: 0.1307 and 0.3081.
  expect(dataset.scaling!.mean[0]).toBeCloseTo(0.1307, 3)
  expect(dataset.scaling!.std[0]).toBeCloseTo(0.3081, 3)
})

const notMnist = shared('notmnist')
test.skipIf(!notMnist)('notMNIST: letters A to J', async () => {
  const dataset = await load({ root: notMnist, classes: Array.from('ABCDEFGHIJ') })
  expect(dataset.meta.splits).toEqual({ test: 10000 })
  expect(dataset.meta.counts!['test']!.class).toEqual(new Array(10).fill(1000))
})

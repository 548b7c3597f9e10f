import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encode } from 'fast-png'
import { packTar } from 'modern-tar'
import { hostKey, type Dataset, type Value } from 'ockham'
import { afterEach, expect, test } from 'vitest'
import { augmentOptions, drawChanges } from './augment.js'
import { auxiliary } from './auxiliary.js'
import { cifar10, cifar10Options } from './cifar10.js'
import { imageFolder, imageFolderOptions } from './image-folder.js'
import { all, faults, folder, put, rows, shared } from './testing/files.js'
import { fitFeatures } from './scaling.js'
import { whiteNoise, whiteNoiseOptions } from './white-noise.js'
import { changed, type Reading } from './workers/changed.js'
import type { Loading } from './workers/load.js'
import { lease, running } from './workers/pool.js'
import { WorkerReader } from './workers/reader.js'
import { shared as sharedField } from './workers/sources.js'

const folders = (options: object): Promise<Dataset & { dispose?(): Promise<void> }> => imageFolder(imageFolderOptions.parse(options))
const cifar = (options: object): Promise<Dataset> => cifar10(cifar10Options.parse(options))

/** A PNG of one colour. */
const plain = (side: number, colour: readonly [number, number, number]): Uint8Array =>
  encode({ width: side, height: side, channels: 3, depth: 8, data: Uint8Array.from({ length: 3 * side * side }, (_, i) => colour[i % 3]!) })

function putPicture(root: string, path: string, bytes: Uint8Array): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), bytes)
}

const noisy = (side: number, seed: number): Uint8Array =>
  encode({ width: side, height: side, channels: 3, depth: 8, data: Uint8Array.from(hostKey(seed).integers([3 * side * side], 256).data) })

const bytesOf = ({ data }: Value): Buffer => Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)

afterEach(() => expect(running()).toBe(0))

test('a folder a class, below a folder a split', async () => {
  const root = folder()
  putPicture(root, 'train/cat/1.png', plain(2, [255, 0, 51]))
  putPicture(root, 'train/dog/1.png', plain(2, [0, 0, 0]))
  putPicture(root, 'test/dog/9.PNG', plain(2, [102, 0, 0]))
  writeFileSync(join(root, 'train/cat/notes.txt'), 'no picture')
  const dataset = await folders({ root, normalise: false })
  expect(dataset.meta).toMatchObject({ classes: ['cat', 'dog'], splits: { train: 2, test: 1 }, counts: { train: { class: [1, 1] } } })
  const { x, y } = await all(dataset, 'train')
  expect(x!.shape).toEqual([2, 2, 2, 3])
  expect(Array.from(x!.data.subarray(0, 3))).toEqual([1, 0, Math.fround(0.2)])
  expect(Array.from(y!.data)).toEqual([0, 1])
  // Each channel has a scaling of its own; a channel without spread is not divided.
  expect((await folders({ root })).scaling).toEqual({ mean: [0.5, 0, 0.1], std: [0.5, 1, 0.1] })
  expect((await folders({ root, channels: 1 })).meta.shapes['x']!.shape).toEqual([2, 2, 1])
})

test('without splits: rows held out, classes chosen, pictures scaled to a size', async () => {
  const root = folder()
  for (let i = 0; i < 8; i++) putPicture(root, `${['a', 'b'][i % 2]}/${i}.png`, plain(2 + i, [i, i, i]))
  const dataset = await folders({ root, size: [4, 6], test: 2, validation: 0.25, classes: ['b', 'a'] })
  expect(dataset.meta).toMatchObject({ classes: ['b', 'a'], splits: { train: 4, validation: 2, test: 2 } })
  expect(dataset.meta.shapes['x']!.shape).toEqual([4, 6, 3])
  expect((await folders({ root, size: 3, classes: ['b'] })).meta.splits).toEqual({ train: 4 })
  expect(await faults(() => folders({ root, size: 3, classes: ['c'] }))).toMatchObject([{ code: 'OCK-DATA-075' }])
  const sizes = await faults(() => folders({ root }))
  expect(sizes[0]).toMatchObject({ code: 'OCK-DATA-072', where: join(root, 'a/2.png') })
  expect(sizes).toHaveLength(7)
})

test('pictures that cannot be read are named, all at once', async () => {
  const root = folder()
  for (let i = 0; i < 600; i++) putPicture(root, `a/${i}.png`, plain(1, [i % 256, 0, 0]))
  putPicture(root, 'a/0bad.png', plain(1, [0, 0, 0]).subarray(0, 40))
  putPicture(root, 'a/z.jpg', new TextEncoder().encode('not a picture'))
  for (const workers of [0, 2]) {
    const found = await faults(() => folders({ root, workers }))
    expect(found.map(({ code }) => code)).toEqual(['OCK-DATA-070', 'OCK-DATA-070'])
    expect(found.map(({ where }) => where).sort()).toEqual([join(root, 'a/0bad.png'), join(root, 'a/z.jpg')])
  }
  expect(await faults(() => folders({ root: folder() }))).toMatchObject([{ code: 'OCK-DATA-074' }])
  putPicture(root, 'train/a/1.png', plain(1, [0, 0, 0]))
  expect(await faults(() => folders({ root }))).toMatchObject([{ code: 'OCK-DATA-074' }])
  expect(await faults(() => folders({ root: join(root, 'none') }))).toMatchObject([{ code: 'OCK-DATA-010' }])
})

/** Binary CIFAR-10: record i has label i mod 10 and channel values i, i + 1, i + 2. */
const batch = (from: number, count: number): Uint8Array => {
  const bytes = new Uint8Array(count * 3073)
  for (let i = 0; i < count; i++) {
    bytes[i * 3073] = (from + i) % 10
    for (let c = 0; c < 3; c++) bytes.fill(from + i + c, i * 3073 + 1 + 1024 * c, i * 3073 + 1 + 1024 * (c + 1))
  }
  return bytes
}

test('CIFAR-10: the binary version, as files and in an archive', async () => {
  const root = folder()
  const files = { 'data_batch_1.bin': batch(0, 12), 'data_batch_2.bin': batch(12, 8), 'test_batch.bin': batch(100, 5) }
  for (const [name, bytes] of Object.entries(files)) put(root, name, bytes)
  const dataset = await cifar({ root, normalise: false })
  expect(dataset.meta.splits).toEqual({ train: 20, test: 5 })
  const { x, y } = await all(dataset, 'train')
  expect(x!.shape).toEqual([20, 32, 32, 3])
  expect(Array.from(y!.data)).toEqual(Array.from({ length: 20 }, (_, i) => i % 10))
  expect(Array.from(x!.data.subarray(13 * 3072, 13 * 3072 + 3), (v) => Math.round(255 * v))).toEqual([13, 14, 15])
  const packed = await packTar(
    Object.entries(files).map(([name, body]) => ({ header: { name: `cifar-10-batches-bin/${name}`, size: body.length }, body })),
  )
  const other = folder()
  put(other, 'cifar-10-binary.tar.gz', packed)
  expect((await cifar({ root: other, normalise: false })).meta.digest).toBe(dataset.meta.digest)
  expect((await cifar({ root: join(other, 'cifar-10-binary.tar.gz'), classes: ['truck', 'cat'] })).meta).toMatchObject({
    classes: ['truck', 'cat'],
    counts: { train: { class: [2, 2] } },
  })
  put(root, 'test_batch.bin', batch(0, 2).subarray(1))
  expect(await faults(() => cifar({ root }))).toMatchObject([{ code: 'OCK-DATA-012', where: join(root, 'test_batch.bin') }])
})

const jpegs = shared('cifar10')
test.skipIf(jpegs === undefined)('CIFAR-10: the archive of pictures', async () => {
  const dataset = await cifar({ root: jpegs, normalise: false, classes: ['dog'], workers: 0 })
  expect(dataset.meta.splits).toEqual({ train: 5000, test: 1000 })
  // The first pixels of test/dog/0000.jpg as Pillow reads them.
  const { x } = await dataset.read('test', rows(0))
  expect(Array.from(x!.data.subarray(0, 9), (v) => Math.round(255 * v))).toEqual([80, 66, 37, 78, 64, 35, 88, 74, 47])
})

const augment = augmentOptions.parse({ crop: 3, flip: true, blur: 1, rotate: 10, solarise: 0.5, jitter: 0.4, probability: 0.9 })
const field = sharedField({ shape: [24, 24, 3], dtype: 'float32', data: Uint8Array.from(hostKey(0).integers([40 * 1728], 256).data) })
const order = Int32Array.from({ length: 40 }, (_, i) => (i * 7) % 40)
const reading = (seed: number): Reading => ({
  augment,
  scaling: { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] },
  changes: drawChanges(augment, 40, hostKey(seed)),
})

test('augmented in workers: the same batches whatever their number, and no worker stays', async () => {
  const inline = Array.from({ length: 8 }, (_, i) => changed(field, order, reading(i)))
  const held = lease(1)
  for (const workers of [1, 2]) {
    const reader = new WorkerReader(workers, 0)
    // Until a worker is ready, batches are read here.
    let seed = 0
    while (!(reader.read(field, order, reading(seed)) instanceof Promise)) await new Promise((resolve) => setTimeout(resolve, 5))
    const batches = Array.from({ length: 8 }, () => reader.read(field, order, reading(seed++)))
    expect(batches.every((b) => b instanceof Promise)).toBe(true)
    for (const [i, batch] of batches.entries()) expect(bytesOf(await batch).equals(bytesOf(inline[i]!))).toBe(true)
    expect(running()).toBe(workers)
    await reader.dispose()
    // Somebody else holds on to them.
    expect(running()).toBe(workers)
    expect(bytesOf(reader.read(field, order, reading(3)) as Value).equals(bytesOf(inline[3]!))).toBe(true)
  }
  await held.release()
  expect(running()).toBe(0)
})

test('a worker tells what was wrong, with the file, and that it ended', async () => {
  const worker = lease(1)
  const bad = join(folder(), 'bad.png')
  writeFileSync(bad, 'no picture')
  const loading: Loading = {
    sources: [{ name: bad }],
    first: 0,
    pixels: new Uint8Array(3),
    size: { height: 1, width: 1 },
    channels: 3,
    scaled: false,
  }
  expect(await faults(() => worker.ask({ type: 'load', loading }))).toMatchObject([{ code: 'OCK-DATA-070', where: bad }])
  const gone = { ...loading, sources: [{ name: `${bad}.gone` }] }
  expect(await faults(() => worker.ask({ type: 'load', loading: gone }))).toMatchObject([{ code: 'OCK-DATA-010', where: `${bad}.gone` }])
  const pending = worker.ask({ type: 'load', loading })
  const ended = expect(pending).rejects.toThrow('OCK-DATA-073')
  await worker.release()
  await ended
})

test('a dataset with little to do starts no worker', async () => {
  const root = folder()
  for (let i = 0; i < 4; i++) putPicture(root, `a/${i}.png`, noisy(8, i))
  const dataset = await folders({ root, augment: { flip: true } })
  for (let i = 0; i < 20; i++) expect(dataset.read('train', rows(0, 1, 2, 3), hostKey(i))).not.toBeInstanceOf(Promise)
  expect(running()).toBe(0)
  await dataset.dispose?.()
})

test('white noise is the same numbers under any scaling', async () => {
  const noise = whiteNoise(whiteNoiseOptions.parse({ shape: [8, 8, 3], n: 60 }))
  const { x } = await all(noise, 'train')
  const { mean, std } = fitFeatures(x!.data, 1)
  expect(Math.abs(mean[0]!)).toBeLessThan(4 / Math.sqrt(x!.data.length))
  expect(std[0]).toBeCloseTo(1, 1)
  const root = folder()
  putPicture(root, 'a/1.png', noisy(8, 1))
  const served = auxiliary(noise, await folders({ root }), 'context')
  expect(served.dataset.scaling).toBeDefined()
  expect((await all(served.dataset, served.split))['x']!.data).toEqual(x!.data)
  expect(whiteNoise(whiteNoiseOptions.parse({ shape: [8, 8, 3], n: 60, seed: 1 })).meta.digest).not.toBe(noise.meta.digest)
})

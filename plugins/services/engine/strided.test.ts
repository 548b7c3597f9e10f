import type { Engine } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onnxruntime } from '../onnxruntime/index.js'
import { createEngine, interpreter } from './index.js'
import { value } from './testing.js'
import { tf, type Tensor } from './tensor.js'

type Slice = (x: Tensor) => Tensor
/** Of numpy.arange(12).reshape(2, 3, 2), by NumPy. tfjs' own kernel gives 2 1 0 8 7 6 in the first. */
const slices: readonly (readonly [string, Slice, readonly number[], readonly number[]])[] = [
  ['x[:, ::-1, 0]', (x) => tf.stridedSlice(x, [0, 2, 0], [2, 0, 1], [1, -1, 1], 1, 3, 0, 0, 4), [2, 3], [4, 2, 0, 10, 8, 6]],
  ['x[1, ::-2]', (x) => tf.stridedSlice(x, [1, 2], [2, -4], [1, -2], 0, 0, 0, 0, 1), [2, 2], [10, 11, 6, 7]],
  ['x[..., 1]', (x) => tf.stridedSlice(x, [0, 1], [0, 2], [1, 1], 0, 0, 1, 0, 2), [2, 3], [1, 3, 5, 7, 9, 11]],
  ['x[None, 1:, ::2]', (x) => tf.stridedSlice(x, [0, 1, 0], [1, 2, 3], [1, 1, 2], 0, 0, 0, 1), [1, 1, 2, 2], [6, 7, 10, 11]],
  ['x[0:0]', (x) => tf.stridedSlice(x, [0], [0], [1]), [0, 3, 2], []],
  ['x[:, 0:2:-1]', (x) => tf.stridedSlice(x, [0, 0], [2, 2], [1, -1]), [2, 0, 2], []],
]

const starts = { interpreter: () => interpreter({ wasm: false }), onnxruntime: () => onnxruntime({ threads: 1 }) }

describe.each(Object.entries(starts))('strided slices on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = createEngine(await start())
  })
  afterAll(() => engine.dispose())
  const x = value(
    Array.from({ length: 12 }, (_, i) => i),
    [2, 3, 2],
  )

  it.each(slices)('%s', async (_, slice, shape, wanted) => {
    const y = await engine.compile(slice)(x)
    expect([y.shape, [...y.data]]).toEqual([shape, wanted])
  })

  it.each(slices)('the gradient of %s goes to where it was taken from', async (_, slice, shape, taken) => {
    const weights = taken.map((_, i) => i + 1)
    const program = engine.compile((z: Tensor) => {
      const loss = (p: Readonly<Record<string, Tensor>>) => slice(p['z']!).mul(tf.tensor(weights, [...shape])).sum() // prettier-ignore
      return engine.valueAndGrad((p) => ({ value: loss(p) as never, aux: undefined }), { z }).grads
    })
    const { z } = await program(x)
    expect([...z!.data]).toEqual(Array.from({ length: 12 }, (_, i) => weights[taken.indexOf(i)] ?? 0))
  })
})

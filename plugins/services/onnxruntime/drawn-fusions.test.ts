/* What rewriting makes, on shapes that are drawn: held to the graph as it was traced, which the interpreter runs. */
import type { Engine, Tensors, Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine, interpreter } from '../engine/index.js'
import type { Graph } from '../engine/index.js'
import { pick, sizes, whole, type Random } from '../engine/test-cases/case.js'
import { random } from '../engine/test-cases.js'
import { spied } from '../engine/testing.js'
import { tf, type Tensor, type Tensor4D } from '../engine/tensor.js'
import { onnxruntime } from './index.js'
import { rewrite } from './rewrite.js'
import { rows } from './rows/index.js'

let engine: Engine
let reference: Engine
let graphs: Graph[]
beforeAll(async () => {
  const executor = spied(await onnxruntime({ threads: 1 }))
  graphs = executor.graphs
  engine = createEngine(executor)
  reference = createEngine(await interpreter({ wasm: false }))
})
afterAll(async () => {
  await engine.dispose()
  await reference.dispose()
})

interface Use {
  readonly inputs: Values
  readonly fn: (t: Tensors) => Tensor
}

const centred = (x: Tensor): Tensor => x.sub(tf.mean(x, -1, true))
const root = (x: Tensor): Tensor => tf.mean(x.square(), -1, true).add(1e-3).rsqrt()
const unit = (x: Tensor): Tensor => centred(x).mul(root(centred(x)))

/** One to four axes, the last of two places and more. */
const wide = (r: Random): number[] => [...sizes(r, whole(r, 0, 3)), whole(r, 2, 7)]

const product = (r: Random): { a: number[]; b: number[]; n: number; flags: [boolean, boolean] } => {
  const [m, k, n] = sizes(r, 3, 1, 6) as [number, number, number]
  const flags: [boolean, boolean] = [whole(r, 0, 1) === 0, whole(r, 0, 1) === 0]
  return { a: flags[0] ? [k, m] : [m, k], b: flags[1] ? [n, k] : [k, n], n, flags }
}

const image = (r: Random) => {
  const [c, o] = sizes(r, 2, 1, 3) as [number, number]
  return { x: [whole(r, 1, 2), whole(r, 4, 7), whole(r, 4, 7), c], k: [whole(r, 1, 3), whole(r, 1, 3), c, o], b: [o] }
}

const uses: Readonly<Record<string, (r: Random) => Use>> = {
  'ort.Gemm': (r) => {
    const { a, b, n, flags } = product(r)
    const row = pick(r, [[n], [1, n]])
    return { inputs: { a: r.floats(a), b: r.floats(b), c: r.floats(row) }, fn: ({ a, b, c }) => tf.matMul(a!, b!, ...flags).add(c!) }
  },
  'ort.Masked': (r) => {
    const shape = wide(r)
    return { inputs: { x: r.floats(shape), y: r.floats(shape) }, fn: ({ x, y }) => x!.mul(y!.greater(0.3).cast('float32')) }
  },
  'ort.Above': (r) => {
    const shape = wide(r)
    return { inputs: { x: r.floats(shape), y: r.floats(shape) }, fn: ({ x, y }) => tf.grad((z) => tf.relu(z))(x!, y) }
  },
  'ort.Normalise': (r) => ({ inputs: { x: r.floats(wide(r)) }, fn: ({ x }) => unit(x!) }),
  'ort.InverseDeviation': (r) => ({ inputs: { x: r.floats(wide(r)) }, fn: ({ x }) => unit(x!).mul(root(centred(x!)).square()) }),
  'ort.LayerNorm': (r) => {
    const shape = wide(r)
    const row = shape.slice(-1)
    return { inputs: { x: r.floats(shape), g: r.floats(row), b: r.floats(row) }, fn: ({ x, g, b }) => unit(x!).mul(g!).add(b!) }
  },
  'ort.RootMeanSquare': (r) => ({ inputs: { x: r.floats(wide(r)) }, fn: ({ x }) => x!.mul(root(x!)) }),
  'ort.Conv2D': (r) => {
    const { x, k, b } = image(r)
    const [stride, pad] = [whole(r, 1, 2), pick(r, ['same', 'valid'] as const)]
    const inputs = { x: r.floats(x), k: r.floats(k), b: r.floats(b) }
    return { inputs, fn: ({ x, k, b }) => tf.conv2d(x as Tensor4D, k as Tensor4D, stride, pad).add(b!) }
  },
  LogSoftmax: (r) => ({ inputs: { x: r.floats(wide(r)) }, fn: ({ x }) => tf.logSoftmax(x!) }),
  BatchMatMul: (r) => {
    const { a, b, flags } = product(r)
    const batch = sizes(r, whole(r, 0, 2))
    const by = pick(r, [0.3, 2, -1])
    const inputs = { a: r.floats([...batch, ...a]), b: r.floats([...batch, ...b]) }
    return { inputs, fn: ({ a, b }) => tf.matMul(a!.mul(by), b!, ...flags).div(7) }
  },
  MaxPool: (r) => {
    const { x, k, b } = image(r)
    const inputs = { x: r.floats(x), k: r.floats(k), b: r.floats(b) }
    const [size, stride, pad] = [whole(r, 1, 3), whole(r, 1, 2), pick(r, ['same', 'valid'] as const)]
    const pooled = (t: Tensors): Tensor =>
      tf.maxPool(tf.conv2d(t['x'] as Tensor4D, t['k'] as Tensor4D, 1, 'same').add<Tensor4D>(t['b']!), size, stride, pad)
    return { inputs, fn: (t) => tf.grad((b) => pooled({ ...t, b }).square().sum())(t['b']!).add(pooled(t).sum()) } // prettier-ignore
  },
}

const draws = [0, 1, 2, 3]

describe.each(Object.entries(uses))('%s', (op, build) => {
  it.each(draws)('draw %i', async (seed) => {
    const { inputs, fn } = build(random(7000 + seed))
    const wanted = await reference.compile(fn)(inputs)
    for (const precision of ['float32', 'float64'] as const) {
      const program = engine.compile(fn, { precision })
      const got = await program(inputs)
      expect(got.shape).toEqual(wanted.shape)
      wanted.data.forEach((w, i) => expect(Math.abs(got.data[i]! - w), `${i}`).toBeLessThan(2e-4 * Math.max(1, Math.abs(w))))
      if (precision === 'float32')
        expect(
          rewrite(graphs.at(-1)!).nodes.map((node) => node.op),
          JSON.stringify(Object.values(inputs).map((v) => v.shape)),
        ).toContain(op)
      program.dispose()
    }
  })
})

it('has a use for every row that only rewriting makes', () => {
  expect([...rows.keys()].filter((op) => op.startsWith('ort.') && !uses[op])).toEqual([])
})

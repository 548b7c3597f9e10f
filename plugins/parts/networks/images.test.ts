import { hostKey, type Call, type Key, type Model, type Tensors, type Value, type Values } from 'ockham'
import { tf, type Scalar, type Tensor, type Tensor4D } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../../services/engine/index.js'
import { onnxruntime } from '../../services/onnxruntime/index.js'
import { inMemory } from '../training/testing.js'
import { zeros } from '../training/trees.js'
import { batchNorm, batchNormInit, bind, cnn, cnnOptions, conv, convInit, globalPool, pooled, resnet, resnetOptions } from './index.js'

const key = hostKey(3)
const metaOf = (image: readonly number[]) =>
  inMemory({ train: { x: zeros([2, ...image]), y: zeros([2], 'int32') } }, { classes: Array.from({ length: 10 }, (_, i) => `${i}`) }).meta

const count = (values: Values): number => Object.values(values).reduce((n, v) => n + v.data.length, 0)
const wide = (v: Value): Value => ({ ...v, dtype: 'float64', data: Float64Array.from(v.data) })
const normal = (name: string, shape: readonly number[]): Value => wide(key.fold(name).normal(shape))

/** A call that keeps what it is told. */
function listening(train: boolean): { call: Call; points: string[]; state: Record<string, Tensor> } {
  const [points, state]: [string[], Record<string, Tensor>] = [[], {}]
  const call = {
    train,
    key: undefined as unknown as Key,
    at: (point: string, h: Tensor) => (points.push(point), h),
    next: (name: string, value: Tensor) => void (state[name] = value),
  }
  return { call, points, state }
}

let engine: ReturnType<typeof createEngine>
beforeAll(async () => {
  engine = createEngine(await onnxruntime({ threads: 1 }))
})
afterAll(() => engine.dispose())

/** In float64. */
const run = async (fn: (t: Tensors) => Tensors, inputs: Values): Promise<Values> => engine.compile(fn, { precision: 'float64' })(inputs)

const forward = async (
  model: Model,
  image: readonly number[],
  train: boolean,
): Promise<{ y: Value; h: Value; points: readonly string[] }> => {
  const vars = await model.init(key, metaOf(image))
  const names: string[] = []
  const program = engine.compile((a: { params: Tensors; state: Tensors; x: Tensor; key: Key }) => {
    const net = bind(model, { params: a.params, frozen: {}, state: a.state }, a.key, train)
    const y = net(a.x, { at: (point, h) => (names.push(point), h) })
    return { y, h: net.points(a.x, ['head.in'])['head.in']! }
  })
  const x = key.fold('images').normal([2, ...image])
  return { ...(await program({ params: vars.params, state: vars.state, x, key })), points: names }
}

describe('conv', () => {
  it('adds up a window and a bias, and announces both its points', async () => {
    const heard = listening(true)
    const { y } = await run(
      ({ x, k, b }) => ({
        y: conv({ params: { 'c.kernel': k!, 'c.bias': b! }, frozen: {}, state: {} }, 'c', x!, heard.call, { pad: 'valid' }),
      }),
      {
        x: { shape: [1, 2, 3, 1], dtype: 'float64', data: Float64Array.of(1, 2, 3, 4, 5, 6) },
        k: { shape: [2, 2, 1, 1], dtype: 'float64', data: Float64Array.of(1, 10, 100, 1000) },
        b: { shape: [1], dtype: 'float64', data: Float64Array.of(0.5) },
      },
    )
    expect([...y!.data]).toEqual([1 + 20 + 400 + 5000 + 0.5, 2 + 30 + 500 + 6000 + 0.5])
    expect(heard.points).toEqual(['c.in', 'c.out'])
  })

  it('in groups is a convolution whose kernel is zero between groups', async () => {
    const { grouped, whole } = await run(
      ({ x, k }) => {
        const vars = { params: { 'c.kernel': k! }, frozen: {}, state: {} }
        const [first, second] = tf.split(k!, 2, 3) as [Tensor, Tensor]
        const blocks = tf.concat([first.pad([[0, 0], [0, 0], [0, 2], [0, 0]]), second.pad([[0, 0], [0, 0], [2, 0], [0, 0]])], 3) // prettier-ignore
        return {
          grouped: conv(vars, 'c', x!, listening(true).call, { groups: 2, strides: 2 }),
          whole: tf.conv2d(x as Tensor4D, blocks as Tensor4D, 2, 'same'),
        }
      },
      { x: normal('x', [2, 5, 5, 4]), k: normal('k', [3, 3, 2, 6]) },
    )
    expect(grouped!.shape).toEqual([2, 3, 3, 6])
    grouped!.data.forEach((g, i) => expect(g).toBeCloseTo(whole!.data[i]!, 10))
  })

  it('says which groups do not divide its channels', () => {
    const vars = { params: { 'c.kernel': tf.zeros([1, 1, 1, 3]) }, frozen: {}, state: {} }
    expect(() => conv(vars, 'c', tf.zeros([1, 2, 2, 3]), listening(true).call, { groups: 2 })).toThrow(/OCK-MODEL-006.*2 groups of 3/)
  })

  it('starts small-uniform within √(3/20 fan-in), with variance 1 / (20 fan-in)', () => {
    const data = convInit(key, 'c', 3, [16, 128], 'small-uniform', false)['c.kernel']!.data
    const fanIn = 9 * 16
    expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(Math.sqrt(3 / (20 * fanIn)) * (1 + 1e-6))
    const variance = Array.from(data).reduce((s, x) => s + x * x, 0) / data.length
    // 18 432 squares of uniform numbers: relative standard error √(0.8 / n) = 0.7 %.
    expect(variance * 20 * fanIn).toBeCloseTo(1, 1)
  })

  it('pools by window and over all positions', async () => {
    const x = { shape: [1, 2, 2, 1], dtype: 'float64' as const, data: Float64Array.of(1, 2, 3, 6) }
    const out = await run(({ x: t }) => ({ max: pooled(t!, 2), mean: pooled(t!, 2, 'mean'), all: globalPool(t!) }), { x })
    expect([out['max']!.data[0], out['mean']!.data[0], out['all']!.data[0], out['all']!.shape]).toEqual([6, 3, 3, [1, 1]])
  })
})

describe('batchNorm', () => {
  const inputs = { x: normal('x', [4, 3, 2, 3]), g: normal('g', [3]), b: normal('b', [3]), m: normal('m', [3]), v: normal('v', [3]) }
  const varsOf = ({ g, b, m, v }: Tensors) => ({
    params: { 'n.scale': g!, 'n.bias': b! },
    frozen: {},
    state: { 'n.mean': m!, 'n.variance': v!.square() },
  })

  it('normalises by all rows of the pass, and moves its running moments a tenth of the way', async () => {
    const out = await run((t) => {
      const heard = listening(true)
      const y = batchNorm(varsOf(t), 'n', t['x']!, heard.call)
      return { y, mean: heard.state['n.mean']!, variance: heard.state['n.variance']! }
    }, inputs)
    for (let c = 0; c < 3; c++) {
      const channel = [...inputs.x.data].filter((_, i) => i % 3 === c)
      const mean = channel.reduce((a, b) => a + b, 0) / 24
      const variance = channel.reduce((s, x) => s + (x - mean) ** 2, 0) / 24
      const at = (n: keyof typeof inputs): number => inputs[n].data[c]!
      channel.forEach((x, i) =>
        expect(out['y']!.data[3 * i + c]).toBeCloseTo((at('g') * (x - mean)) / Math.sqrt(variance + 1e-5) + at('b'), 6),
      )
      expect(out['mean']!.data[c]).toBeCloseTo(0.9 * at('m') + 0.1 * mean, 7)
      expect(out['variance']!.data[c]).toBeCloseTo(0.9 * at('v') ** 2 + (0.1 * variance * 24) / 23, 7)
    }
  })

  it('uses its running moments where it does not train', async () => {
    const { y } = await run((t) => ({ y: batchNorm(varsOf(t), 'n', t['x']!, listening(false).call) }), inputs)
    const at = (n: keyof typeof inputs): number => inputs[n].data[0]!
    expect(y!.data[0]).toBeCloseTo((at('g') * (at('x') - at('m'))) / Math.sqrt(at('v') ** 2 + 1e-5) + at('b'), 6)
  })

  it.each([[undefined], [[1, 0, 3, 1]]])('has first and second derivatives like central differences, rows %o counting', async (counts) => {
    const call = (): Call => ({ ...listening(true).call, ...(counts && { rows: tf.tensor1d(counts) }) })
    const loss = (t: Tensors): Scalar => tf.sin(batchNorm(varsOf({ ...t, m: t['g']!, v: t['g']! }), 'n', t['x']!, call())).sum<Scalar>()
    const grad = (t: Tensors): Tensors => engine.valueAndGrad((q) => ({ value: loss(q), aux: undefined }), t).grads
    const p = { x: inputs.x, g: inputs.g, b: inputs.b }
    const d = { x: normal('dx', [4, 3, 2, 3]), g: normal('dg', [3]), b: normal('db', [3]) }
    const moved = (by: number): Values =>
      Object.fromEntries(Object.entries(p).map(([n, v]) => [n, { ...v, data: v.data.map((x, i) => x + by * d[n as 'x'].data[i]!) }]))
    const inner = (a: Values): number =>
      Object.entries(a).reduce((s, [n, v]) => s + Array.from(v.data).reduce((t, x, i) => t + x * d[n as 'x'].data[i]!, 0), 0)
    const h = 1e-5
    const value = async (q: Values): Promise<number> => (await run((t) => ({ y: loss(t) }), q))['y']!.data[0]!
    const first = async (q: Values): Promise<number> => inner(await run(grad, q))
    expect((await first(p)) - ((await value(moved(h))) - (await value(moved(-h)))) / (2 * h)).toBeCloseTo(0, 6)
    const second = await engine.compile(
      (a: { p: Tensors; d: Tensors }) => {
        const along = (q: Tensors): Scalar =>
          Object.entries(grad(q)).reduce<Tensor>((s, [n, g]) => s.add(g.mul(a.d[n]!).sum()), tf.scalar(0)) as Scalar
        return engine.valueAndGrad((q) => ({ value: along(q), aux: undefined }), a.p).grads
      },
      { precision: 'float64' },
    )({ p, d })
    expect(inner(second) - ((await first(moved(h))) - (await first(moved(-h)))) / (2 * h)).toBeCloseTo(0, 5)
  })

  it('frozen, a residual network trains with its running moments', async () => {
    const frozen = resnet(resnetOptions.parse({ depth: 20, width: 2, norm: 'frozen' }))
    const [training, evaluating] = [await forward(frozen, [8, 8, 3], true), await forward(frozen, [8, 8, 3], false)]
    expect(training.y.data).toEqual(evaluating.y.data)
  })

  it('starts as the identity of a standard input', () => {
    const { params, state } = batchNormInit('n', 2)
    expect({ ...params, ...state }).toMatchObject({
      'n.scale': { data: Float32Array.of(1, 1) },
      'n.bias': { data: Float32Array.of(0, 0) },
      'n.mean': { data: Float32Array.of(0, 0) },
      'n.variance': { data: Float32Array.of(1, 1) },
    })
  })
})

describe('models of images', () => {
  it('cnn has the 824 458 weights of its paper, 256 features, and its points in order', async () => {
    const model = cnn(cnnOptions.parse({}))
    expect(count((await model.init(key, metaOf([28, 28, 1]))).params)).toBe(824_458)
    const { y, h, points } = await forward(model, [28, 28, 1], true)
    expect([y.shape, h.shape]).toEqual([
      [2, 10],
      [2, 256],
    ])
    expect(Math.min(...h.data)).toBeGreaterThanOrEqual(0)
    expect(points).toEqual(['conv0', 'conv1', 'layer0', 'head'].flatMap((layer) => [`${layer}.in`, `${layer}.out`]))
  })

  it('cnn takes images without a channel axis, and says what it cannot take', async () => {
    const model = cnn(cnnOptions.parse({ channels: [4], hidden: [] }))
    expect((await forward(model, [6, 6], false)).h.shape).toEqual([2, 36])
    expect(() => model.init(key, metaOf([7]))).toThrow(/OCK-MODEL-002.*x is \[7\]/)
  })

  // He et al. 2016 with projections: 11 173 962 and 272 474 weights at ten classes; with biased shortcuts instead of normalised ones 896 fewer, a number a channel.
  it.each([
    [{}, 11_173_962],
    [{ depth: 20 }, 272_474],
    [{ depth: 20, norm: 'group' }, 272_474],
  ] as const)('resnet %o has %i weights', async (options, weights) => {
    expect(count((await resnet(resnetOptions.parse(options)).init(key, metaOf([32, 32, 3]))).params)).toBe(weights)
  })

  it('resnet with biased shortcuts has a number a channel fewer', async () => {
    const weights = async (options: { shortcut?: 'bias' }): Promise<number> =>
      count((await resnet(resnetOptions.parse({ width: 4, ...options })).init(key, metaOf([32, 32, 3]))).params)
    expect((await weights({})) - (await weights({ shortcut: 'bias' }))).toBe(8 + 16 + 32)
  })

  it.each([
    [{ width: 4 }, 32],
    [{ depth: 20, width: 3 }, 12],
    [{ width: 2, shortcut: 'bias', init: 'small-uniform' }, 16],
    [{ depth: 20, width: 3, norm: 'group' }, 12],
  ] as const)('resnet %o has %i features before its head', async (options, features) => {
    const { y, h, points } = await forward(resnet(resnetOptions.parse(options)), [16, 16, 3], true)
    expect([y.shape, h.shape]).toEqual([
      [2, 10],
      [2, features],
    ])
    expect(points.slice(0, 2)).toEqual(['stem.in', 'stem.out'])
    expect(points.slice(-2)).toEqual(['head.in', 'head.out'])
    expect([...y.data].every(Number.isFinite)).toBe(true)
  })
})

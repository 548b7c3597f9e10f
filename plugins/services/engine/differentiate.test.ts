import type { Engine, Tensors, Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine, interpreter } from './index.js'
import { kernels } from './kernels.js'
import { random } from './test-cases.js'
import { census, numbers, spied, value } from './testing.js'
import { tf, type Scalar, type Tensor } from './tensor.js'

let engine: Engine
let executor: ReturnType<typeof spied>
beforeAll(async () => {
  executor = spied(await interpreter({ wasm: false }))
  engine = createEngine(executor)
})
afterAll(async () => {
  await engine.dispose()
  expect(tf.memory().numTensors).toBe(0)
})

const run = async (fn: (p: Tensors) => Tensors, inputs: Values): Promise<Record<string, number[]>> => {
  const out = await engine.compile(fn)(inputs)
  return Object.fromEntries(Object.entries(out).map(([n, v]) => [n, numbers(v)]))
}

const gradOf = (f: (p: Tensors) => Tensor, p: Tensors): Tensors =>
  engine.valueAndGrad((q) => ({ value: f(q) as Scalar, aux: undefined }), p).grads

const loss = ({ w0, b0, w1, b1 }: Tensors, x: Tensor, y: Tensor): Tensor => {
  const h = tf.softplus(tf.matMul(x, w0!).add(b0!)).add(tf.tanh(tf.matMul(x, w0!)))
  return tf.logSoftmax(tf.matMul(h, w1!).add(b1!)).mul(y).sum(-1).mean().neg()
}

describe('valueAndGrad', () => {
  it('of a network agrees with central differences', async () => {
    const r = random(3)
    const shapes = { w0: [4, 6], b0: [6], w1: [6, 3], b1: [3] }
    const p: Values = Object.fromEntries(Object.entries(shapes).map(([n, s]) => [n, r.floats(s, -1, 1)]))
    const data = {
      x: r.floats([8, 4]),
      y: value(
        Array.from({ length: 24 }, (_, i) => (i % 3 === Math.floor(i / 3) % 3 ? 1 : 0)),
        [8, 3],
      ),
    }
    const grads = engine.compile((a: { p: Tensors; x: Tensor; y: Tensor }) => gradOf((q) => loss(q, a.x, a.y), a.p))
    const value_ = engine.compile((a: { p: Tensors; x: Tensor; y: Tensor }) => loss(a.p, a.x, a.y))
    const found = await grads({ p, ...data })
    const h = 1e-2
    for (const name of Object.keys(p)) {
      for (let i = 0; i < p[name]!.data.length; i++) {
        const at = async (by: number): Promise<number> => {
          const moved = p[name]!.data.slice()
          moved[i]! += by
          return (await value_({ p: { ...p, [name]: { ...p[name]!, data: moved } }, ...data })).data[0]!
        }
        expect(found[name]!.data[i]).toBeCloseTo(((await at(h)) - (await at(-h))) / (2 * h), 3)
      }
    }
    expect(value_.compiled).toBe(1)
  })

  it('gives zeros for what is not used, nothing for integers, and whatever else the pass computed', async () => {
    const out = await engine.compile((p: Tensors) => {
      const { value: v, grads, aux } = engine.valueAndGrad((q) => ({ value: q.a!.square().sum(), aux: { twice: q.a!.mul(2) } }), p)
      return { v, ...grads, twice: aux.twice }
    })({ a: value([1, 2]), b: value([5, 6, 7]), n: value([1], [1], 'int32') })
    expect(Object.fromEntries(Object.entries(out).map(([n, x]) => [n, numbers(x)]))).toEqual({
      v: [5],
      a: [2, 4],
      b: [0, 0, 0],
      twice: [2, 4],
    })
  })

  it('of a constant, of a parameter itself, and of one tensor under two names', async () => {
    expect(await run((p) => gradOf(() => tf.scalar(3), p), { a: value([1, 2]) })).toEqual({ a: [0, 0] })
    expect(await run((p) => gradOf((q) => q.a!, p), { a: value([7], []) })).toEqual({ a: [1] })
    expect(await run(({ a }) => gradOf((q) => q.u!.mul(q.u!).mul(q.v!).sum(), { u: a!, v: a! }), { a: value([3]) })).toEqual({
      u: [18],
      v: [9],
    })
  })

  it('is a derivative by what the function is handed, not by what it closes over', async () => {
    expect(await run((p) => gradOf((q) => q.a!.mul(p.a!).sum(), p), { a: value([3]) })).toEqual({ a: [3] })
  })

  it('twice over: x³ has 6x, through relu, max and where too', async () => {
    const second = (f: (x: Tensor) => Tensor) => (p: Tensors) => gradOf((q) => gradOf((r) => f(r.x!).sum(), q).x!.sum(), p)
    expect(
      await run(
        second((x) => x.pow(3)),
        { x: value([1, 2]) },
      ),
    ).toEqual({ x: [6, 12] })
    expect(
      await run(
        second((x) => tf.relu(x).pow(3)),
        { x: value([-1, 2]) },
      ),
    ).toEqual({ x: [0, 12] })
    expect(
      await run(
        second((x) => tf.maximum(x, 0).square()),
        { x: value([-1, 2]) },
      ),
    ).toEqual({ x: [0, 2] })
    expect(
      await run(
        second((x) => tf.max(x, 1).pow(3)),
        { x: value([1, 3, 2, 0], [2, 2]) },
      ),
    ).toEqual({ x: [0, 18, 12, 0] })
    expect(
      await run(
        second((x) => tf.where(x.greater(0), x.pow(3), x.square())),
        { x: value([-1, 2]) },
      ),
    ).toEqual({ x: [2, 12] })
    const elu = await run(
      second((x) => tf.elu(x).square()),
      { x: value([-1, 2]) },
    )
    expect(elu.x![0]).toBeCloseTo(4 * Math.exp(-2) - 2 * Math.exp(-1), 5)
    expect(elu.x![1]).toBe(2)
    expect(
      await run(
        second((x) => tf.gather(x, tf.tensor1d([0, 1, 1], 'int32')).pow(3)),
        { x: value([1, 2]) },
      ),
    ).toEqual({ x: [6, 24] })
  })

  it.each([
    'exp',
    'tanh',
    'sigmoid',
    'elu',
    'selu',
    'softplus',
    'softmax',
    'logSoftmax',
    'sqrt',
    'rsqrt',
    'log',
    'reciprocal',
    'erf',
    'log1p',
    'expm1',
    'atan',
    'leakyRelu',
  ] as const)('twice through %s agrees with central differences of the gradient', async (name) => {
    const f = (x: Tensor): Tensor =>
      (tf[name] as (x: Tensor) => Tensor)(x)
        .mul(tf.tensor1d([1, 2, 4]))
        .square()
        .sum()
    const first = engine.compile((x: Tensor) => gradOf((q) => f(q.x!), { x }).x!)
    const second = engine.compile((x: Tensor) => gradOf((q) => gradOf((r) => f(r.x!), q).x!.sum(), { x }).x!)
    const x = [0.7, 0.3, 1.1]
    const found = await second(value(x))
    const h = 2e-3
    for (const i of [0, 1, 2]) {
      const at = async (by: number): Promise<number> => {
        const g = await first(value(x.map((v, j) => (i === j ? v + by : v))))
        return g.data[0]! + g.data[1]! + g.data[2]!
      }
      const wanted = ((await at(h)) - (await at(-h))) / (2 * h)
      expect(Math.abs(found.data[i]! - wanted)).toBeLessThan(2e-3 * Math.max(1, Math.abs(wanted)))
    }
  })
})

describe('custom gradients', () => {
  const labels = (): Tensor => tf.tensor2d([[0, 1, 0]])
  const entropy = (x: Tensor): Tensor => tf.losses.softmaxCrossEntropy<Tensor, Tensor>(labels(), x.reshape([1, 3]))

  it('have a first derivative', async () => {
    const { x } = await run((p) => gradOf((q) => entropy(q.x!), p), { x: value([0, 0, 0]) })
    x!.forEach((g, i) => expect(g).toBeCloseTo([1 / 3, -2 / 3, 1 / 3][i]!, 6))
  })

  it('are refused where a second derivative would leave out what they keep', async () => {
    const twice = (f: (x: Tensor) => Tensor) =>
      run(
        (p) =>
          gradOf(
            (q) =>
              gradOf((r) => f(r.x!), q)
                .x!.square()
                .sum(),
            p,
          ),
        { x: value([0.1, 0.2, 0.3]) },
      )
    await expect(twice(entropy)).rejects.toThrow(/OCK-ENGINE-011.*custom gradient/)
    const cube = tf.customGrad((x, save) => {
      ;(save as (t: Tensor[]) => void)([x as Tensor])
      return { value: (x as Tensor).pow(3), gradFunc: (dy, saved) => dy.mul(saved[0]!.square()).mul(3) }
    })
    // d/dx Σ (3x²)² = 36x³: what it saves are its inputs, so this one has.
    const { x } = await twice((t) => cube(t).sum())
    x!.forEach((g, i) => expect(g).toBeCloseTo(36 * [0.001, 0.008, 0.027][i]!, 4))
  })
})

describe('vjp', () => {
  const f = ({ w }: Tensors): { y: Tensor; aux: Tensor } => ({ y: tf.exp(w!).mul(tf.tensor1d([1, 2, 3])), aux: w!.sum() })

  it('pulls again and again, from one forward pass', async () => {
    const out = await run(
      (p) => {
        const { y, aux, pull } = engine.vjp(f, p)
        return { y, aux, first: pull(tf.tensor1d([1, 0, 0])).w!, second: pull(tf.tensor1d([0, 1, 1])).w!, again: pull(y).w! }
      },
      { w: value([0, 0, 0]) },
    )
    expect(out).toEqual({ y: [1, 2, 3], aux: [0], first: [1, 0, 0], second: [0, 2, 3], again: [1, 4, 9] })
    expect(census(executor.graphs.at(-1)!).Exp).toBe(1)
  })

  it.each<readonly [string, (x: Tensor) => Tensor]>([
    ['the parameter itself', (x) => x],
    ['a running product along one place', (x) => tf.cumprod(x, 1)],
    ['a reshape that does nothing', (x) => x.reshape([2, 1])],
    ['a slice of all', (x) => x.slice([0, 0])],
  ])('pulls the seed once through %s', async (_, fn) => {
    const out = await run(({ x, u }) => engine.vjp((p) => ({ y: fn(p.x!), aux: 0 }), { x: x! }).pull(u!), {
      x: value([2, 3], [2, 1]),
      u: value([5, 7], [2, 1]),
    })
    expect(out).toEqual({ x: [5, 7] })
  })

  it('inside an outer derivative: ½|Jᵀu|² by w', async () => {
    // y = wᵢ², Jᵀu = 2wᵢuᵢ, so the value is Σ 2wᵢ²uᵢ² and the gradient 4wᵢuᵢ².
    const out = await run(
      ({ w, u }) =>
        gradOf(
          (q) =>
            engine
              .vjp((r) => ({ y: r.w!.square(), aux: 0 }), q)
              .pull(u!)
              .w!.square()
              .sum()
              .div(2),
          { w: w! },
        ),
      {
        w: value([1, 2]),
        u: value([3, 1]),
      },
    )
    expect(out).toEqual({ w: [36, 8] })
  })

  it('pulls of one pass both inside and after an outer derivative', async () => {
    const out = await run(
      (p) => {
        let later: ((dy: Tensor) => Tensors) | undefined
        const grads = gradOf((q) => {
          const { y, pull } = engine.vjp((r) => ({ y: r.w!.pow(3), aux: 0 }), q)
          later = pull
          return y.sum().add(pull(tf.onesLike(y)).w!.sum())
        }, p)
        return { w: grads.w!, late: later!(tf.tensor1d([1, 1])).w! }
      },
      { w: value([1, 2]) },
    )
    expect(out).toEqual({ w: [9, 24], late: [3, 12] })
  })

  it('refuses a seed of another shape', async () => {
    await expect(run((p) => engine.vjp(f, p).pull(tf.scalar(1)), { w: value([1, 2, 3]) })).rejects.toThrow(/OCK-ENGINE-009.*\[\].*\[3\]/)
  })
})

describe('jvp', () => {
  it('is J v, and leaves no trace of how it was found', async () => {
    const out = await run(({ w, v }) => engine.jvp((p) => tf.sin(p.w!).mul(p.w!.sum()), { w: w! }, { w: v! }), {
      w: value([0.5, 1]),
      v: value([2, -1]),
    })
    const y = (a: number, b: number): number[] => [Math.sin(a) * (a + b), Math.sin(b) * (a + b)]
    const h = 1e-4
    const [up, down] = [y(0.5 + 2 * h, 1 - h), y(0.5 - 2 * h, 1 + h)]
    out.dy!.forEach((d, i) => expect(d).toBeCloseTo((up[i]! - down[i]!) / (2 * h), 4))
    out.y!.forEach((d, i) => expect(d).toBeCloseTo(y(0.5, 1)[i]!, 5))
  })

  it('of a network with relu agrees with the product of Jacobians', async () => {
    const r = random(5)
    const inputs = { x: r.floats([2, 3]), a: r.floats([3, 4]), b: r.floats([4, 2]), va: r.floats([3, 4]) }
    const net = (a: Tensor, b: Tensor, x: Tensor): Tensor => tf.matMul(tf.relu(tf.matMul(x, a)), b)
    const out = await run(({ x, a, b, va }) => {
      const mask = tf.step(tf.matMul(x!, a!))
      const wanted = tf.matMul(tf.matMul(x!, va!).mul(mask), b!)
      return { dy: engine.jvp((p) => net(p.a!, b!, x!), { a: a! }, { a: va! }).dy, wanted }
    }, inputs)
    out.dy!.forEach((d, i) => expect(d).toBeCloseTo(out.wanted![i]!, 5))
  })

  it('inside an outer derivative', async () => {
    // y = w³, J v = 3w²v; its sum by w is 6wv.
    const out = await run(({ w, v }) => gradOf((q) => engine.jvp((r) => r.w!.pow(3), q, { w: v! }).dy.sum(), { w: w! }), {
      w: value([1, 2]),
      v: value([1, 3]),
    })
    expect(out).toEqual({ w: [6, 36] })
  })
})

describe('stop', () => {
  it('keeps the number and drops the derivative', async () => {
    expect(await run((p) => gradOf((q) => q.a!.mul(engine.stop(q.a!)).sum(), p), { a: value([3, 4]) })).toEqual({ a: [3, 4] })
    expect(await run((p) => gradOf((q) => engine.stop(q.a!.exp()).sum(), p), { a: value([3, 4]) })).toEqual({ a: [0, 0] })
  })

  it('host, inverse and double have no derivative', async () => {
    const of = (f: (a: Tensor) => Tensor) => run((p) => gradOf((q) => q.a!.mul(f(q.a!)).sum(), p), { a: value([2], [1, 1]) })
    expect(await of((a) => engine.host((v) => [v], [a], [[1, 1]])[0]!)).toEqual({ a: [2] })
    expect(await of((a) => engine.inverse(a))).toEqual({ a: [0.5] })
    expect(await of((a) => engine.double(() => a.square()))).toEqual({ a: [4] })
  })
})

it('knows a derivative of every kernel that may be traced', () => {
  expect(Object.keys(kernels).filter((kernel) => !tf.getGradient(kernel))).toEqual([])
})

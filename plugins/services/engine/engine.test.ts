import { hostKey, type Engine, type Key, type Tensors, type Value } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine, interpreter } from './index.js'
import { inverseSpd } from './inverse.js'
import { random } from './test-cases.js'
import { census, numbers, spied, value } from './testing.js'
import { tf, type Scalar, type Tensor } from './tensor.js'

let engine: Engine
let executor: ReturnType<typeof spied>
let tensors: () => number
beforeAll(async () => {
  const made = await interpreter({ wasm: false })
  tensors = made.tensors
  executor = spied(made)
  engine = createEngine(executor)
})
afterAll(() => engine.dispose())

const graph = () => executor.graphs.at(-1)!

describe('programs', () => {
  it('take trees and return trees', async () => {
    const program = engine.compile(
      (a: { vars: { params: Tensors }; list: Tensor[]; rate: Scalar; mode: string; none: undefined; on: boolean }) => ({
        sum: a.vars.params['layer0.kernel']!.add(a.list[1]!).mul(a.rate),
        same: a.list[0]!,
        mode: a.mode,
        on: a.on,
        count: 3,
        known: [tf.scalar(7), tf.tensor1d([1, 2], 'int32')],
      }),
    )
    const out = await program({
      vars: { params: { 'layer0.kernel': value([1, 2]) } },
      list: [value([1, 0, 1], [3], 'bool'), value([10, 20])],
      rate: 0.5,
      mode: 'train',
      none: undefined,
      on: true,
    })
    expect(out.sum).toEqual(value([5.5, 11]))
    expect(out.same).toEqual(value([1, 0, 1], [3], 'bool'))
    expect([out.mode, out.on, out.count]).toEqual(['train', true, 3])
    expect(out.known).toEqual([value([7], []), value([1, 2], [2], 'int32')])
  })

  it('are specialised by shapes, types and what is static, not by numbers or keys', async () => {
    const program = engine.compile((a: { x: Tensor; key: Key; by: Scalar; mode: string }) =>
      a.mode === 'add' ? a.x.add(a.by) : a.x.mul(a.by),
    )
    const call = (x: Value, by: number, mode: string, seed = 1) => program({ x, by, mode, key: hostKey(seed) })
    expect(numbers(await call(value([1, 2]), 2, 'add'))).toEqual([3, 4])
    expect(numbers(await call(value([5, 6]), 3, 'add', 9))).toEqual([8, 9])
    expect(program.compiled).toBe(1)
    await call(value([1, 2, 3]), 2, 'add')
    expect(program.compiled).toBe(2)
    expect(numbers(await call(value([1, 2]), 3, 'mul'))).toEqual([3, 6])
    expect(program.compiled).toBe(3)
    await call(value([1, 2], [2], 'float64'), 3, 'mul')
    expect(program.compiled).toBe(3)
  })

  it('compile once for calls at the same time', async () => {
    const before = executor.graphs.length
    const program = engine.compile((x: Tensor) => x.add(1))
    const out = await Promise.all([1, 2, 3].map((n) => program(value([n]))))
    expect(out.map(numbers)).toEqual([[2], [3], [4]])
    expect(executor.graphs.length - before).toBe(1)
  })

  it('free every tensor', async () => {
    const before = tensors()
    const program = engine.compile((x: Tensor) =>
      x
        .add(tf.tensor1d([1, 2, 3]))
        .square()
        .sum(),
    )
    await program(value([1, 2, 3]))
    const held = tensors()
    for (let i = 0; i < 5; i++) await program(value([1, 2, i]))
    expect(tensors()).toBe(held)
    program.dispose()
    await Promise.resolve()
    expect(tensors()).toBe(before)
    expect(tf.memory()).toMatchObject({ numTensors: 0, numDataBuffers: 0 })
  })

  it('do not share memory with what they are given', async () => {
    const given = value([1, 2, 3])
    const out = await engine.compile((x: Tensor) => ({ x, part: x.slice(0, 2) }))(given)
    given.data[0] = 99
    expect([numbers(out.x), numbers(out.part)]).toEqual([
      [1, 2, 3],
      [1, 2],
    ])
  })
})

describe('keys', () => {
  it('draw what the host key of the same path draws', async () => {
    const key = hostKey(11)
    const out = await engine.compile((k: Key) => ({
      normal: k.fold('noise').fold(3).normal([5]),
      uniform: k.uniform([2, 2]),
      coins: k.fold('mask').bernoulli(0.3, [7]),
      whole: k.integers([4], 10),
      order: k.permutation(6),
    }))(key)
    expect(out.normal).toEqual(key.fold('noise').fold(3).normal([5]))
    expect(out.uniform).toEqual(key.uniform([2, 2]))
    expect(out.coins).toEqual(key.fold('mask').bernoulli(0.3, [7]))
    expect(out.whole).toEqual(key.integers([4], 10))
    expect(out.order).toEqual(key.permutation(6))
  })

  it('of one path and draw are one input', async () => {
    const program = engine.compile(({ a, b }: { a: Key; b: Key }) =>
      a
        .fold('x')
        .normal([2])
        .add(a.fold('x').normal([2]))
        .add(a.fold('y').normal([2]))
        .add(b.fold('x').normal([2]))
        .add(a.fold('x').uniform([2])),
    )
    await program({ a: hostKey(1), b: hostKey(2) })
    expect(graph().inputs.map((n) => n.source!.kind)).toEqual(['draw', 'draw', 'draw', 'draw'])
  })
})

describe('capture', () => {
  it('binds by reference, once for a Value', async () => {
    const data = { images: value([1, 2, 3]), labels: value([1, 0, 1], [3], 'bool') }
    const program = engine.compile((x: Tensor) => {
      const { images, labels } = engine.capture(data)
      return x.add(images).add(engine.capture(data.images)).mul(labels.cast('float32'))
    })
    expect(numbers(await program(value([1, 1, 1])))).toEqual([3, 0, 7])
    const captured = graph().inputs.filter((n) => n.source!.kind === 'capture')
    expect(captured.map((n) => (n.source as { value: Value }).value)).toEqual([data.images, data.labels])
    expect((captured[0]!.source as { value: Value }).value).toBe(data.images)
  })

  it('takes variables, and float64 Values at the precision of the program', async () => {
    const vars = { params: { w: value([0.5], [1], 'float64') }, frozen: {}, state: {} }
    const program = engine.compile((x: Tensor) => x.mul(engine.capture(vars).params.w))
    expect(await program(value([4]))).toEqual(value([2]))
  })
})

describe('host', () => {
  it('leaves the graph with float64 Values and comes back with float32', async () => {
    const seen: Value[] = []
    const program = engine.compile((x: Tensor) => {
      const [twice, sum] = engine.host(
        (v, n) => (
          seen.push(v, n),
          [
            { ...v, data: v.data.map((d) => d * 2) },
            { shape: [], dtype: 'float64', data: Float64Array.of(v.data[0]! + v.data[1]!) },
          ]
        ),
        [x, tf.tensor1d([1, 2], 'int32')],
        [[2], []],
      )
      return { y: twice!.add(sum!), sum: sum! }
    })
    const out = await program(value([1.5, 2]))
    expect(seen.map((v) => [v.dtype, v.data.constructor])).toEqual([
      ['float64', Float64Array],
      ['float64', Float64Array],
    ])
    expect(out).toEqual({ y: value([6.5, 7.5]), sum: value([3.5], []) })
  })
})

describe('inverse', () => {
  const spd = (n: number): Value => {
    const g = random(4).floats([n, n], -1, 1).data
    const a = new Float32Array(n * n)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) a[i * n + j]! += g[i * n + k]! * g[j * n + k]! + (i === j && k === 0 ? 1 : 0)
    return { shape: [n, n], dtype: 'float32', data: a }
  }

  it('is the inverse, to float32', async () => {
    const out = await engine.compile((a: Tensor) => tf.matMul(engine.inverse(a), a))(spd(12))
    out.data.forEach((x, i) => expect(x).toBeCloseTo(i % 13 === 0 ? 1 : 0, 3))
  })

  it('in float64 to 1e-12, with jitter and a warning where it must be, an error where that is not enough', () => {
    const n = 20
    const a = Float64Array.from(spd(n).data)
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a[j * n + i] = a[i * n + j]!
    const inverse = inverseSpd(a, n, () => expect.unreachable())
    let worst = 0
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let s = 0
        for (let k = 0; k < n; k++) s += a[i * n + k]! * inverse[k * n + j]!
        worst = Math.max(worst, Math.abs(s - (i === j ? 1 : 0)))
      }
    }
    expect(worst).toBeLessThan(1e-12)
    const warned: string[] = []
    const singular = inverseSpd(Float64Array.of(1, 1, 1, 1), 2, (m) => warned.push(m))
    expect(warned).toHaveLength(1)
    expect(warned[0]).toContain('jitter 1.0e-10')
    expect(singular.every(Number.isFinite)).toBe(true)
    expect(() => inverseSpd(Float64Array.of(1, 5, 5, 1), 2, () => undefined)).toThrow(/OCK-ENGINE-020/)
    expect(() => inverseSpd(Float64Array.of(NaN, 0, 0, 1), 2, () => undefined)).toThrow(/OCK-ENGINE-020/)
  })
})

describe('double', () => {
  it('marks what is computed inside, and nothing after', async () => {
    const program = engine.compile((x: Tensor) => engine.double(() => x.exp()).add(x.exp()))
    expect(numbers(await program(value([0])))).toEqual([2])
    expect(graph().nodes.map((n) => [n.op, n.precision])).toEqual([
      ['Input', 'float32'],
      ['Exp', 'float64'],
      ['Exp', 'float32'],
      ['Add', 'float32'],
    ])
  })
})

describe('loops', () => {
  const adam = (step: number) => ({ key: hostKey(7).fold(step) })
  const loopOf = (fed: Engine) =>
    fed.loop(({ w, m }, { x }, { key, step, engine: inner }) => {
      const { value: loss, grads } = inner.valueAndGrad(
        (p) => ({
          value: p
            .w!.sub(x!)
            .add(key.fold('noise').normal([3]).mul(0.1))
            .square()
            .sum<Scalar>(),
          aux: 0,
        }),
        { w: w! },
      )
      const next = m!.mul(0.9).add(grads.w!.mul(0.1))
      return { carry: { w: w!.sub(next.mul(tf.scalar(0.1).div(step.add(1)))), m: next }, out: { loss, step } }
    })
  const start = { w: value([1, 2, 3]), m: value([0, 0, 0]) }
  const feeds = [0, 1, 2, 3, 4].map((i) => ({ x: value([i, -i, 0.5]) }))
  const keys = feeds.map((_, i) => adam(i).key)

  it('of k steps are k calls, to the bit', async () => {
    const together = loopOf(engine)
    const all = await together.advance(together.load(start), 0, feeds, keys)
    const apart = loopOf(engine)
    let carry = apart.load(start)
    const losses: Value[] = []
    for (let i = 0; i < feeds.length; i++) {
      const made = await apart.advance(carry, i, [feeds[i]!], [keys[i]!])
      carry = made.carry
      losses.push(made.outs[0]!.loss!)
    }
    expect(await all.carry.read()).toEqual(await carry.read())
    expect(all.outs.map((o) => o.loss)).toEqual(losses)
    expect(all.outs.map((o) => o.step!.data[0])).toEqual([0, 1, 2, 3, 4])
  })

  it('say what a call will take', async () => {
    const loop = loopOf(engine)
    const plan = await loop.prepare(start, feeds[0]!)
    expect(plan).toMatchObject({ stepsPerCall: 32, carryBytes: 24, feedBytes: 24 })
    expect(plan.nodes).toBe(graph().nodes.length)
    const wide = engine.loop(({ a }, { x }) => ({ carry: { a: a!.add(x!.sum()) } }))
    const feed = { x: { shape: [4 * 2 ** 20], dtype: 'float32' as const, data: new Float32Array(4 * 2 ** 20) } }
    expect((await wide.prepare({ a: value([0], []) }, feed)).stepsPerCall).toBe(2)
    const called = engine.loop(({ a }) => ({ carry: { a: engine.host((v) => [v], [a!], [[1]])[0]! } }))
    expect((await called.prepare({ a: value([0]) }, {})).stepsPerCall).toBe(1)
  })

  it('take carries of other shapes, and their own again', async () => {
    const loop = engine.loop(({ a }, { x }) => ({ carry: { a: a!.add(x!.sum()) } }))
    const one = await loop.advance(loop.load({ a: value([1, 2]) }), 0, [{ x: value([1]) }], [])
    const other = await loop.advance(one.carry, 1, [{ x: value([1, 1]) }], [])
    expect((await other.carry.read()).a).toEqual(value([4, 5]))
    expect((await one.carry.read()).a).toEqual(value([2, 3]))
    const small = await loop.advance(loop.load({ a: value([1]) }), 0, [{ x: value([1]) }], [])
    expect((await small.carry.read()).a).toEqual(value([2]))
    loop.dispose()
  })

  it('keep a carry that is passed through, and one that is replaced', async () => {
    const loop = engine.loop(({ fixed, fresh }) => ({ carry: { fixed: fixed!, fresh: tf.onesLike(fresh!) }, out: { fixed: fixed! } }))
    const made = await loop.advance(loop.load({ fixed: value([3]), fresh: value([0, 0]) }), 0, [{}, {}], [])
    expect(await made.carry.read()).toEqual({ fixed: value([3]), fresh: value([1, 1]) })
    expect(made.outs).toEqual([{ fixed: value([3]) }, { fixed: value([3]) }])
    expect((await loop.advance(made.carry, 2, [], [])).outs).toEqual([])
  })

  it('warn through the one who asked', async () => {
    const warned: string[] = []
    const loop = engine.loop(({ a }) => ({ carry: { a: engine.inverse(a!) } }), { warn: (m) => warned.push(m) })
    await loop.advance(loop.load({ a: value([1, 1, 1, 1], [2, 2]) }), 0, [{}], [])
    expect(warned).toHaveLength(1)
  })
})

describe('graphs', () => {
  const graphOf = async (fn: (t: Tensors) => unknown, inputs: Record<string, Value> = { x: value([1, 2, 3, 4], [2, 2]) }) => {
    await engine.compile((t: Tensors) => fn(t) as Tensor)(inputs)
    return graph()
  }

  it('hold what the result needs', async () => {
    const found = await graphOf(({ x }) => (tf.exp(x!), x!.add(1)), { x: value([1]), unused: value([1, 2]) })
    expect(census(found)).toEqual({ Input: 1, Constant: 1, Add: 1 })
  })

  it('compute equal expressions once', async () => {
    expect(census(await graphOf(({ x }) => x!.exp().add(x!.exp()).mul(x!.exp().add(x!.exp()))))).toEqual({
      Input: 1,
      Exp: 1,
      Add: 1,
      Multiply: 1,
    })
    expect(census(await graphOf(({ x }) => x!.mul(2).add(tf.mul(2, x!))))).toEqual({ Input: 1, Constant: 1, Multiply: 1, Add: 1 })
    expect(census(await graphOf(({ x }) => x!.sum(0).add(x!.sum(1))))).toEqual({ Input: 1, Sum: 2, Add: 1 })
    const padded = (x: Tensor, by: number) =>
      tf.pad(
        x,
        [
          [0, 1],
          [0, 0],
        ],
        by,
      )
    const pads = await graphOf(({ x }) => tf.addN([NaN, Infinity, -Infinity, -0, NaN].map((by) => padded(x!, by))))
    expect(census(pads)).toEqual({ Input: 1, PadV2: 4, AddN: 1 })
    expect(census(await graphOf(({ x }) => x!.sub(x!.exp()).add(x!.exp().sub(x!))))).toMatchObject({ Sub: 2 })
  })

  it('leave out what does nothing', async () => {
    const nothing = async (f: (x: Tensor) => Tensor) => census(await graphOf(({ x }) => f(x!).neg()))
    const bare = { Input: 1, Neg: 1 }
    expect(await nothing((x) => x.clone())).toEqual(bare)
    expect(await nothing((x) => x.cast('float32'))).toEqual(bare)
    expect(await nothing((x) => x.reshape([4]).reshape([1, 4]).reshape([2, 2]))).toEqual(bare)
    expect(await nothing((x) => x.transpose().transpose())).toEqual(bare)
    expect(
      await nothing((x) =>
        x
          .mul(1)
          .div(tf.ones([2, 2]))
          .sub(0),
      ),
    ).toEqual(bare)
    expect(
      await nothing((x) =>
        tf.pad(x.slice([0, 0], [2, 2]).tile([1, 1]), [
          [0, 0],
          [0, 0],
        ]),
      ),
    ).toEqual(bare)
    expect(await nothing((x) => tf.concat([x]))).toEqual(bare)
    expect(await nothing((x) => x.reshape([4]).reshape([1, 4]))).toEqual({ ...bare, Reshape: 1 })
    expect(await nothing((x) => x.reshape([2, 1, 2]).transpose([1, 0, 2]))).toEqual({ ...bare, Reshape: 1 })
    expect(await nothing((x) => x.reshape([2, 1, 2]).transpose([2, 0, 1]).transpose([2, 1, 0]))).toEqual({ ...bare, Reshape: 1 })
  })

  it('keep what changes bits or shapes', async () => {
    expect(census(await graphOf(({ x }) => x!.add(0)))).toMatchObject({ Add: 1 })
    expect(census(await graphOf(({ x }) => x!.sub(-0)))).toMatchObject({ Sub: 1 })
    expect(census(await graphOf(({ x }) => x!.mul(tf.ones([3, 2, 2]))))).toMatchObject({ Multiply: 1 })
    expect(census(await graphOf(({ x }) => x!.mul(0)))).toMatchObject({ Multiply: 1 })
    const negative = await engine.compile((x: Tensor) => x.add(0))(value([-0]))
    expect(Object.is(negative.data[0], 0)).toBe(true)
  })

  it('hold one number where a constant is uniform, and no dependence of zeros on their shape', async () => {
    const found = await graphOf(({ x }) => tf.zerosLike(x!.exp()).add(tf.ones([5, 2, 2]).mul(3)))
    expect(census(found)).toEqual({ Fill: 2, Add: 1 })
  })

  it('are the same for the same function, in order, with lines', async () => {
    const fn = ({ x }: Tensors): Tensor => tf.softmax(x!.matMul(x!).add(tf.range(0, 2))).log()
    const [a, b] = [await graphOf(fn), await graphOf(fn)]
    const plain = (g: typeof a) => g.nodes.map((n) => [n.id, n.op, n.attrs, n.inputs.map((r) => [r.node.id, r.index])])
    expect(plain(a)).toEqual(plain(b))
    a.nodes.forEach((n, i) => {
      expect(n.id).toBe(i)
      for (const r of n.inputs) expect(r.node).toBe(a.nodes[r.node.id])
      expect(n.inputs.every((r) => r.node.id < i)).toBe(true)
    })
    expect(a.nodes.find((n) => n.op === 'Softmax')!.line).toMatch(/engine\.test\.ts:\d+$/)
  })
})

it('composes: a training step on wasm equals one on cpu to 1e-5', async () => {
  const wasm = createEngine(await interpreter())
  const r = random(9)
  const p = { w: r.floats([6, 3], -0.3, 0.3), b: value([0, 0, 0]) }
  const x = r.floats([16, 6])
  const y = r.integers([16], 3)
  const step = (e: Engine) =>
    e.compile((a: { p: Tensors; x: Tensor; y: Tensor }) => {
      const hot = tf.oneHot(a.y, 3).cast('float32')
      const { value: loss, grads } = e.valueAndGrad(
        (q) => ({ value: tf.losses.softmaxCrossEntropy<Tensor, Scalar>(hot, tf.elu(a.x.matMul(q.w!).add(q.b!))), aux: 0 }),
        a.p,
      )
      return { loss, w: a.p.w!.sub(grads.w!.mul(0.1)), b: a.p.b!.sub(grads.b!.mul(0.1)) }
    })({ p, x, y })
  const [fast, slow] = [await step(wasm), await step(engine)]
  for (const name of ['loss', 'w', 'b'] as const) fast[name].data.forEach((v, i) => expect(v).toBeCloseTo(slow[name].data[i]!, 5))
  await wasm.dispose()
})

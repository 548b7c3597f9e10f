import { hostKey, type Call, type Engine, type Key, type Tensors, type Value, type Values } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../../services/engine/index.js'
import { onnxruntime } from '../../services/onnxruntime/index.js'
import { attention, attentionInit } from '../networks/attention.js'
import { byGroups, conv, dense, embedding, groupNorm, overRoot, rmsNorm, standardised, type ConvOptions } from '../networks/index.js'
import { geluTanh } from '../networks/gelu.js'
import { layerNorm } from '../networks/norms.js'
import { softmaxRoot } from '../objectives/cross-entropy.js'
import { gaussNewton, hvp, linearize, perExample, rootHessian, softmaxHessian } from './index.js'

const double = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([name, v]) => [name, { ...v, dtype: 'float64', data: Float64Array.from(v.data) }]))
const draw = (name: string, shape: readonly number[]): Value => hostKey(11).fold(name).normal(shape)
const [n, d, h, c] = [3, 4, 5, 3]

const params = double({
  'a.kernel': draw('a', [d, h]),
  'a.bias': draw('ab', [h]),
  'norm.scale': draw('s', [h]),
  'norm.shift': draw('t', [h]),
  'b.kernel': draw('b', [h, c]),
})
const direction = double(Object.fromEntries(Object.entries(params).map(([name, v]) => [name, draw(`v.${name}`, v.shape)])))
const x = double({ x: draw('x', [n, d]) })['x']!

const at = (observe: Call['at'] = (_, y) => y): Call => ({
  train: true,
  key: undefined as unknown as Key,
  at: observe,
  next: () => undefined,
})

const net = (p: Tensors, input: Tensor, call = at()): Tensor => {
  const vars = { params: p, frozen: {}, state: {} }
  const hidden = geluTanh(layerNorm(vars, 'norm', dense(vars, 'a', input, call), call))
  return dense(vars, 'b', hidden.tanh(), call)
}
const labels = (): Tensor => tf.oneHot(tf.tensor1d([0, 2, 1], 'int32'), c)
const losses = (y: Tensor): Tensor => tf.logSoftmax(y).mul(labels()).sum(-1).neg()
const loss = (p: Tensors, input: Tensor): Scalar => losses(net(p, input)).sum()

interface Given {
  p: Tensors
  v: Tensors
  x: Tensor
}

let engine: Engine
beforeAll(async () => {
  engine = createEngine(await onnxruntime({ threads: 1 }))
})
afterAll(() => engine.dispose())

const run = <B>(fn: (g: Given) => B, p = params) => engine.compile(fn, { precision: 'float64' })({ p, v: direction, x })
const moved = (by: number): Values =>
  Object.fromEntries(
    Object.entries(params).map(([name, v]) => [
      name,
      { ...v, data: (v.data as Float64Array).map((w, i) => w + by * direction[name]!.data[i]!) },
    ]),
  )
/** Central difference along the direction. */
const along = async <K extends string>(fn: (g: Given) => Record<K, Tensor>): Promise<Record<K, number[]>> => {
  const step = 1e-5
  const [up, down] = [await run(fn, moved(step)), await run(fn, moved(-step))] as [Record<K, Value>, Record<K, Value>]
  const names = Object.keys(up) as K[]
  return Object.fromEntries(names.map((k) => [k, Array.from(up[k].data, (u, i) => (u - down[k].data[i]!) / (2 * step))])) as Record<
    K,
    number[]
  >
}
const expectClose = (got: Value, wanted: ArrayLike<number>, tolerance = 1e-7): void => {
  expect(got.data.length).toBe(wanted.length)
  got.data.forEach((g, i) =>
    expect(Math.abs(g - wanted[i]!), `${g} for ${wanted[i]}`).toBeLessThan(tolerance * Math.max(1, Math.abs(wanted[i]!))),
  )
}

const gradient = ({ p, x: input }: Given): Tensors => engine.valueAndGrad((q) => ({ value: loss(q, input), aux: undefined }), p).grads

it('J v is the change of y along v', async () => {
  const { dy, pushed } = await run(({ p, v, x: input }) => ({
    dy: engine.jvp((q) => net(q, input), p, v).dy,
    pushed: linearize(engine, (q) => net(q, input), p).push(v),
  }))
  const { y } = await along(({ p, x: input }) => ({ y: net(p, input) }))
  expectClose(dy, y)
  expectClose(pushed, y)
})

it('H v is the change of the gradient along v', async () => {
  const product = await run(({ p, v, x: input }) => hvp(engine, (q) => loss(q, input), p, v))
  const wanted = await along(gradient)
  for (const name of Object.keys(params)) expectClose(product[name]!, wanted[name]!, 1e-6)
})

describe('Gauss-Newton', () => {
  it('is the Hessian of the linearised model', async () => {
    const product = await run(({ p, v, x: input }) => gaussNewton(engine, (q) => net(q, input), softmaxHessian, p, v))
    // The gradient of the loss of y + J (q − p) at q = p + t v, by a central difference in t.
    const linear = async (t: number) =>
      run(({ p, v, x: input }) => {
        const { y, push, pull } = linearize(engine, (q) => net(q, input), p)
        const there = y.add(push(v).mul(t))
        return pull(tf.softmax(there).sub(labels()))
      })
    const step = 1e-5
    const [up, down] = [await linear(step), await linear(-step)]
    for (const name of Object.keys(params)) {
      const wanted = Array.from(up[name]!.data, (u, i) => (u - down[name]!.data[i]!) / (2 * step))
      expectClose(product[name]!, wanted, 1e-6)
    }
  })

  it('takes an objective’s root of the Hessian as well', async () => {
    const { a, b } = await run(({ p, v, x: input }) => ({
      a: gaussNewton(engine, (q) => net(q, input), softmaxHessian, p, v),
      b: gaussNewton(engine, (q) => net(q, input), rootHessian(softmaxRoot), p, v),
    }))
    for (const name of Object.keys(params)) expectClose(a[name]!, b[name]!.data, 1e-10)
  })
})

describe('per-example gradients', () => {
  it('are the gradients of the examples one by one', async () => {
    const all = await run(({ p, x: input }) => perExample(engine, (observe) => losses(net(p, input, at(observe))), ['a', 'b']))
    for (let i = 0; i < n; i++) {
      const one = await run(
        ({ p, x: input }) =>
          engine.valueAndGrad((q) => ({ value: losses(net(q, input)).slice([i], [1]).sum<Scalar>(), aux: undefined }), p).grads,
      )
      for (const name of ['a.kernel', 'a.bias', 'b.kernel']) {
        const size = one[name]!.data.length
        expectClose({ ...all[name]!, data: all[name]!.data.slice(i * size, (i + 1) * size) }, one[name]!.data, 1e-12)
      }
    }
  })

  it('sum over the places of a sequence', async () => {
    const inputs = double({ s: draw('seq', [2, 4, 6]), ...attentionInit(hostKey(3), 'm', 6) })
    const fn = (p: Tensors, observe?: Call['at']): Tensor =>
      attention({ params: p, frozen: {}, state: {} }, 'm', p['s']!, at(observe), { heads: 2, causal: true }).square().sum([1, 2])
    const program = engine.compile(
      (p: Tensors) => ({
        each: perExample(engine, (observe) => fn(p, observe), ['m.q', 'm.o']),
        whole: engine.valueAndGrad((q) => ({ value: fn(q).sum<Scalar>(), aux: undefined }), p).grads,
      }),
      { precision: 'float64' },
    )
    const { each, whole } = await program(inputs)
    for (const name of ['m.q.kernel', 'm.o.kernel']) {
      const size = whole[name]!.data.length
      expectClose(
        whole[name]!,
        Array.from({ length: size }, (_, i) => each[name]!.data[i]! + each[name]!.data[size + i]!),
        1e-12,
      )
    }
  })

  it('by filters, tables and norms are those of the examples one by one, through strides, groups, dilation and padding', async () => {
    const convs: readonly ConvOptions[] = [
      { strides: 2, pad: 'same' },
      { pad: 1, groups: 2 },
      { pad: 'valid', dilations: [2, 1] },
      { strides: [1, 2], pad: 'same', groups: 2 },
    ]
    for (const options of convs) {
      const inputs = double({
        x: draw('images', [2, 6, 5, 2]),
        'c.kernel': draw('ck', [3, 2, 2 / (options.groups ?? 1), 4]),
        'c.bias': draw('cb', [4]),
        ...Object.fromEntries(['l', 'r', 'g'].flatMap((m) => [[`${m}.scale`, draw(`${m}s`, [4])], [`${m}.shift`, draw(`${m}t`, [4])]])), // prettier-ignore
        'e.table': draw('e', [5, 4]),
      })
      const ids = (): Tensor => tf.tensor2d([0, 3, 3, 1, 0, 4], [2, 3], 'int32')
      const each = (p: Tensors, observe?: Call['at']): Tensor => {
        const [vars, call] = [{ params: p, frozen: {}, state: {} }, at(observe)]
        const h = conv(vars, 'c', p['x']!, call, options)
        const normed = rmsNorm(vars, 'r', layerNorm(vars, 'l', groupNorm(vars, 'g', h, 2, call).tanh(), call).sin(), call)
        return normed
          .square()
          .mean([1, 2])
          .mul(embedding(vars, 'e', ids(), call).sin().sum(1))
          .sum(1)
      }
      const program = engine.compile(
        (p: Tensors) => ({
          all: perExample(engine, (observe) => each(p, observe), [
            { name: 'c', kind: 'conv', size: [3, 2], options },
            { name: 'e', kind: 'embedding', ids: ids(), rows: 5 },
            { name: 'l', kind: 'norm', normalise: standardised },
            { name: 'r', kind: 'norm', normalise: overRoot },
            { name: 'g', kind: 'norm', normalise: (z) => byGroups(z, 2) },
          ]),
          ones: [0, 1].map((i) => engine.valueAndGrad((q) => ({ value: each(q).slice([i], [1]).sum<Scalar>(), aux: undefined }), p).grads),
        }),
        { precision: 'float64' },
      )
      const { all, ones } = await program(inputs)
      for (const name of Object.keys(inputs).filter((k) => k !== 'x' && k !== 'r.shift'))
        expectClose(all[name]!, [...ones[0]![name]!.data, ...ones[1]![name]!.data], 1e-11)
    }
  })

  it('refuse a layer that the pass does not announce', async () => {
    await expect(run(({ p, x: input }) => perExample(engine, (observe) => losses(net(p, input, at(observe))), ['z']))).rejects.toThrow(
      /OCK-DERIVATIVE-001.*z\.in/,
    )
  })
})

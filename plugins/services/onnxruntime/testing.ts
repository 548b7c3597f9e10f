import type { Engine, Tensors, Value, Values } from 'ockham'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createEngine, interpreter } from '../engine/index.js'
import { random, type Case } from '../engine/test-cases.js'
import { tf, type Scalar, type Tensor } from '../engine/tensor.js'
import { onnxruntime } from './index.js'

interface Given {
  /** Floats, which are differentiated by, and the other inputs. */
  readonly p: Tensors
  readonly rest: Tensors
  /** Directions. */
  readonly d: Tensors
  readonly v: Tensors
}

const dot = (a: Tensors, b: Tensors): Tensor =>
  Object.keys(b).reduce<Tensor>((s, n) => (a[n] ? s.add(a[n].mul(b[n]!).sum()) : s), tf.scalar(0))

/** Everything that derivatives of `fn` are: value, change along d, gradient, its change along d by both ways. */
const derivatives =
  (engine: Engine, fn: (t: Tensors) => Tensor) =>
  ({ p, rest, d, v }: Given): Tensors => {
    const f = (q: Tensors): Tensor => {
      const y = fn({ ...q, ...rest })
      return y.dtype === 'float32' ? y : y.cast('float32')
    }
    const loss = (q: Tensors): Scalar => tf.sin(f(q)).sum()
    const gradient = (q: Tensors): Tensors => engine.valueAndGrad((r) => ({ value: loss(r), aux: undefined }), q).grads
    const under = (prefix: string, t: Tensors): Tensors => Object.fromEntries(Object.entries(t).map(([n, x]) => [prefix + n, x]))
    const { y, dy } = engine.jvp(f, p, d)
    const linear = engine.vjp((q) => ({ y: f(q), aux: undefined }), p)
    const forward = engine.jvp(gradient, p, d)
    const twice = engine.valueAndGrad((q) => ({ value: dot(gradient(q), v) as Scalar, aux: undefined }), p)
    return {
      y,
      dy,
      pushed: linear.push(d),
      product: dot(linear.pull(tf.cos(y)), d),
      loss: loss(p),
      ...under('gradient.', forward.y),
      ...under('change.', forward.dy),
      bend: dot(twice.grads, d),
    }
  }

const floats = (inputs: Values): Values => Object.fromEntries(Object.entries(inputs).filter(([, v]) => v.dtype === 'float32'))
const wide = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([n, v]) => [n, { ...v, dtype: 'float64', data: Float64Array.from(v.data) }]))
const moved = (p: Values, along: Values, by: number): Values =>
  Object.fromEntries(
    Object.entries(p).map(([n, v]) => [
      n,
      { ...v, dtype: 'float64' as const, data: Float64Array.from(v.data, (x, i) => x + by * along[n]!.data[i]!) },
    ]),
  )
const h = 1e-5
const slopes = (up: Value, down: Value): number[] => Array.from(up.data, (u, i) => (u - down.data[i]!) / (2 * h))
const inner = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((s, x, i) => s + x * b[i]!, 0)
const close = (got: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number, what: string): void => {
  expect(got.length, what).toBe(wanted.length)
  for (let i = 0; i < wanted.length; i++) {
    const [g, w] = [got[i]!, wanted[i]!]
    expect(Math.abs(g - w), `${what}, element ${i}: ${g} for ${w}`).toBeLessThan(tolerance * Math.max(1, Math.abs(w)))
  }
}

/** Holds the derivatives of drawn cases to central differences in float64, and the portable engine, in float32, to them. */
export const checkDerivatives = (drawn: readonly Case[]): void => {
  let double: Engine
  let portable: Engine
  beforeAll(async () => {
    double = createEngine(await onnxruntime({ threads: 1 }))
    portable = createEngine(await interpreter({ wasm: false }))
  })
  afterAll(async () => {
    await double.dispose()
    await portable.dispose()
  })

  it.each(drawn.map((c, i) => [`${c.kernel} ${c.name}`, c, i] as const))('%s', async (_, { build }, seed) => {
    const r = random(3000 + seed)
    const { inputs, fn } = build(r)
    const p = floats(inputs)
    const rest = Object.fromEntries(Object.entries(inputs).filter(([n]) => !p[n]))
    if (Object.keys(p).length === 0) return
    const like = (): Values => Object.fromEntries(Object.entries(p).map(([n, v]) => [n, r.floats(v.shape, -1, 1)]))
    const [d, v] = [like(), like()]
    const program = double.compile(derivatives(double, fn), { precision: 'float64' })
    const at = (q: Values): Promise<Values> => program({ p: q, rest, d: wide(d), v: wide(v) })
    const [here, up, down] = [await at(wide(p)), await at(moved(p, d, h)), await at(moved(p, d, -h))]

    close(here['dy']!.data, slopes(up['y']!, down['y']!), 1e-6, 'jvp')
    close(here['pushed']!.data, here['dy']!.data, 1e-12, 'push')
    const slope = slopes(up['loss']!, down['loss']!)
    close(here['product']!.data, slope, 1e-6, 'pull')
    let along = 0
    for (const n of Object.keys(p)) {
      along += inner(here[`gradient.${n}`]!.data, d[n]!.data)
      close(here[`change.${n}`]!.data, slopes(up[`gradient.${n}`]!, down[`gradient.${n}`]!), 2e-5, `change of the gradient by ${n}`)
    }
    close([along], slope, 1e-6, 'gradient')
    close(here['bend']!.data, [Object.keys(p).reduce((s, n) => s + inner(here[`change.${n}`]!.data, v[n]!.data), 0)], 1e-9, 'bend')

    const single = portable.compile(derivatives(portable, fn))
    const rough = await single({ p, rest, d, v })
    for (const [name, value] of Object.entries(here)) close(rough[name]!.data, value.data, 1e-3, `portable ${name}`)
    program.dispose()
    single.dispose()
  })
}

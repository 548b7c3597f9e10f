import { InputError, type Call, type HostKey, type Model, type Optimizer, type Value, type Values, type Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { floats, map, value } from '../../parts/training/index.js'

export interface Members {
  /** M. */
  readonly members: number
  /** How far from 1 factors start: normal with this deviation, or signs. */
  readonly init: 'normal' | 'signs'
  readonly deviation: number
}

const suffix = '.kernel'

/** Layers with a kernel [.., in, out], dense or convolutional. */
function layersOf({ params }: Variables<Value>): { name: string; inputs: number; outputs: number }[] {
  return Object.entries(params).flatMap(([name, { shape }]) =>
    name.endsWith(suffix) && shape.length >= 2
      ? [{ name: name.slice(0, -suffix.length), inputs: shape.at(-2)!, outputs: shape.at(-1)! }]
      : [],
  )
}

const factorIn = (layer: string): string => `${layer}.members.in`
const factorOut = (layer: string): string => `${layer}.members.out`

const isFactor = (name: string): boolean => /\.members\.(in|out)$/.test(name)

/** An optimizer whose steps of the factors are `ratio` times as long. */
export const slowed = (inner: Optimizer, ratio: number): Optimizer => ({
  ...inner,
  update(at) {
    const { params, memory } = inner.update(at)
    const step = (p: Tensor, name: string): Tensor => (isFactor(name) ? at.params[name]!.add(p.sub(at.params[name]!).mul(ratio)) : p)
    return { params: map(params, step), memory }
  },
})

/** How far from 1 the factors of all members of a layer start, [M, n]: what a factor is, is 1 plus its parameter, so that priors pull it to 1. */
function offsets(key: HostKey, { members, init, deviation }: Members, n: number): Value {
  const shape = [members, n]
  if (init === 'normal')
    return value(
      Float32Array.from(key.normal(shape).data, (z) => deviation * z),
      shape,
    )
  return value(
    Float32Array.from(key.bernoulli(0.5, shape).data, (one) => -2 * one),
    shape,
  )
}

/** Factors of the member of each row [n, 1, …, size] for h [n, …, size]: rows take members in turn. */
function ofRows(factors: Tensor, h: Tensor): Tensor {
  const [members, size] = factors.shape as [number, number]
  const turn = tf.range(0, h.shape[0]).mod(members).cast('int32').reshape([-1])
  const rows = tf
    .oneHot(turn as Parameters<typeof tf.oneHot>[0], members)
    .cast('float32')
    .matMul(factors)
  return rows.add(1).reshape([h.shape[0], ...Array.from({ length: h.rank - 2 }, () => 1), size])
}

const unfit = (layer: string, channels: number, size: number): InputError =>
  new InputError({
    code: 'OCK-BATCHENSEMBLE-001',
    what: `${layer} sees ${channels} numbers and its kernel takes ${size}: a convolution in groups has no factor a channel`,
    where: 'model',
    remedy: 'choose a model without convolutions in groups',
  })

/** ((x ∘ r) W) ∘ s + b at every layer that has factors. */
function factored(vars: Variables, call: Call): Call {
  return {
    ...call,
    at(point, h) {
      const end = point.lastIndexOf('.')
      const [layer, side] = [point.slice(0, end), point.slice(end)]
      const [r, s] = [vars.params[factorIn(layer)], vars.params[factorOut(layer)]]
      if (!r || !s || (side !== '.in' && side !== '.out')) return call.at(point, h)
      if (side === '.in') {
        if (h.shape.at(-1) !== r.shape[1]) throw unfit(layer, h.shape.at(-1)!, r.shape[1]!)
        return call.at(point, h.mul(ofRows(r, h)))
      }
      const bias = vars.params[`${layer}.bias`]
      const scale = ofRows(s, h)
      return call.at(point, bias ? h.sub(bias).mul(scale).add(bias) : h.mul(scale))
    },
  }
}

/**
 * The model as M members that share kernels: member m's are W ∘ (r_m s_mᵀ), Wen, Tran and Ba 2020, equation 1, and rows of a batch belong to members in turn, so
 * that a step costs what one of the base does. `first` gives the shared variables at their start.
 */
export const shared = (base: Model, options: Members, first: (key: HostKey) => Promise<Variables<Value>>): Model => ({
  async init(key) {
    const vars = await first(key)
    const own = key.fold('members')
    const factors = layersOf(vars).flatMap(({ name, inputs, outputs }) => [
      [factorIn(name), offsets(own.fold(factorIn(name)), options, inputs)] as const,
      [factorOut(name), offsets(own.fold(factorOut(name)), options, outputs)] as const,
    ])
    return { ...vars, params: { ...vars.params, ...Object.fromEntries(factors) } }
  },
  apply: (vars, x, call) => base.apply(vars, x, factored(vars, call)),
})

/** Row m of [M, n]. */
const row = ({ data, shape }: Value, m: number): ArrayLike<number> => data.subarray(m * shape[1]!, (m + 1) * shape[1]!)

/** Weights of the base model that are member m: its factors multiplied into the kernels, biases and all else shared. */
export function memberOf({ params, frozen, state }: Variables<Value>, m: number): Variables<Value> {
  const own = Object.fromEntries(Object.entries(params).filter(([name]) => !isFactor(name)))
  const folded: Values = map(own, (w, name): Value => {
    const layer = name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined
    const [r, s] = layer === undefined ? [] : [params[factorIn(layer)], params[factorOut(layer)]]
    if (!r || !s) return w
    const [into, out] = [row(r, m), row(s, m)]
    const outputs = out.length
    return {
      ...w,
      data: floats(w.data, (v, i) => v * (1 + into[Math.floor(i / outputs) % into.length]!) * (1 + out[i % outputs]!)),
    }
  })
  return { params: folded, frozen, state }
}

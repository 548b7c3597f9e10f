import type { Engine, Observe, Tensors } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Scalar, type Tensor, type Tensor1D } from 'ockham/tensor'
import type { ConvOptions } from '../networks/index.js'
import { patches } from './patches.js'

/** The losses of a batch [n], one an example, of a pass in which `at` sees every point of the model. */
export type Observed = (at: Observe) => Tensor

/** A layer whose variables are differentiated by; a name alone is a dense layer. */
export type ExampleLayer =
  | string
  | { readonly name: string; readonly kind: 'dense' }
  /** `size` is that of the window. */
  | { readonly name: string; readonly kind: 'conv'; readonly size: readonly [number, number]; readonly options?: ConvOptions }
  /** `ids` [n, …] as the layer gets them, of a table with so many rows. */
  | { readonly name: string; readonly kind: 'embedding'; readonly ids: Tensor; readonly rows: number }
  /** `normalise` is what the layer does before its scale: `standardised`, `overRoot`, or `byGroups` of `parts/networks`. */
  | { readonly name: string; readonly kind: 'norm'; readonly normalise: (x: Tensor) => Tensor }

const nameOf = (layer: ExampleLayer): string => (typeof layer === 'string' ? layer : layer.name)
const pointsOf = (layer: ExampleLayer): string[] => {
  const name = nameOf(layer)
  return typeof layer !== 'string' && layer.kind === 'embedding' ? [`${name}.out`] : [`${name}.in`, `${name}.out`]
}

/** [n, places, width]: axes between the first and the last are places. */
const places = (x: Tensor): Tensor => (x.rank === 2 ? x.expandDims(1) : x.reshape([x.shape[0], -1, x.shape[x.rank - 1]!]))

/** Values at the inputs and outputs of layers, of a pass that nothing disturbs. */
function seen(losses: Observed, layers: readonly ExampleLayer[]): Record<string, Tensor> {
  const points: Record<string, Tensor> = {}
  losses((point, h) => (points[point] = h))
  const missing = layers.flatMap((layer) => pointsOf(layer).filter((point) => !points[point]))
  if (missing.length > 0) {
    throw new InputError({
      code: 'OCK-DERIVATIVE-001',
      what: `the pass has no point ${missing.join(', ')}`,
      where: 'perExample',
      remedy: `name layers that announce their input and output; its points are ${Object.keys(points).join(', ') || 'none'}`,
    })
  }
  return points
}

/** Filter gradient of each example: the windows it saw times δ, by groups of channels. */
function byFilter(input: Tensor, delta: Tensor, { size, options = {} }: Extract<ExampleLayer, { kind: 'conv' }>): Tensor {
  const groups = options.groups ?? 1
  const [n, o] = [delta.shape[0], delta.shape[3]! / groups]
  const parts = tf.split(input, groups, 3).map((x, g) => {
    const seen = patches(x, size, options)
    const [, windows, , , c] = seen.shape as [number, number, number, number, number]
    const dy = places(delta).slice([0, 0, g * o], [-1, -1, o])
    return tf.matMul(seen.reshape([n, windows, size[0] * size[1] * c]), dy, true, false).reshape([n, ...size, c, o])
  })
  return tf.concat(parts, 4)
}

/** Rows of δ added up by id, in a table of each example's own. */
function byTable(ids: Tensor, delta: Tensor, rows: number): Tensor {
  const n = ids.shape[0]
  const own = ids.reshape([n, -1]).add(tf.range(0, n * rows, rows, 'int32').reshape([n, 1]))
  const d = delta.shape.at(-1)!
  return tf.unsortedSegmentSum(delta.reshape([-1, d]), own.reshape<Tensor1D>([-1]), n * rows).reshape([n, rows, d])
}

/** Gradients by the variables of one layer, from its input and from δ at its output. */
function byLayer(layer: ExampleLayer, input: Tensor | undefined, delta: Tensor): Record<string, Tensor> {
  const name = nameOf(layer)
  const sum = places(delta).sum(1)
  if (typeof layer === 'string' || layer.kind === 'dense') {
    return { [`${name}.kernel`]: tf.matMul(places(input!), places(delta), true, false), [`${name}.bias`]: sum }
  }
  if (layer.kind === 'conv') return { [`${name}.kernel`]: byFilter(input!, delta, layer), [`${name}.bias`]: sum }
  if (layer.kind === 'embedding') return { [`${name}.table`]: byTable(layer.ids, delta, layer.rows) }
  return { [`${name}.scale`]: places(delta.mul(layer.normalise(input!))).sum(1), [`${name}.shift`]: sum }
}

/**
 * The gradient of each example's loss by the variables of layers (Goodfellow 2015): for a dense layer z = a W + b the gradient
 * of loss i is Σ_t a_itᵀ δ_it and Σ_t δ_it, with δ = ∂ Σ loss / ∂ z. δ comes from one backward pass, by zeros added at `<layer>.out`.
 *
 * Examples must not meet inside the pass (no batch statistics). Returns, for every layer named, `<layer>.kernel` [n, in, out] or, of a convolution,
 * [n, kh, kw, in / groups, out], and `<layer>.bias` [n, out]; `<layer>.table` [n, rows, d] of an embedding; `<layer>.scale` and `<layer>.shift`
 * [n, c] of a norm. What a layer has no variable for has no use. What comes back may be differentiated in turn.
 * @throws InputError OCK-DERIVATIVE-001 where the pass does not announce a layer.
 */
export function perExample(engine: Engine, losses: Observed, layers: readonly ExampleLayer[]): Tensors {
  const points = seen(losses, layers)
  const outputs = layers.map((layer) => `${nameOf(layer)}.out`)
  const probes = Object.fromEntries(outputs.map((out) => [out, tf.zeros(points[out]!.shape)]))
  const { grads } = engine.valueAndGrad((p) => {
    const total = losses((point, h) => (p[point] ? h.add(p[point]) : h)).sum<Scalar>()
    return { value: total, aux: undefined }
  }, probes)
  const each = layers.map((layer) => byLayer(layer, points[`${nameOf(layer)}.in`], grads[`${nameOf(layer)}.out`]!))
  return Object.assign({}, ...each) as Tensors
}

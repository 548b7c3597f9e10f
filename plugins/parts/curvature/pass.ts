import type { Engine, Input, Key, Model, Tensors, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { bind } from '../networks/index.js'
import type { Geometry } from './geometry.js'
import type { LinearLayer } from './layers.js'

/** One forward pass, seen at its linear layers. */
export interface LayerPass {
  /** What the model gives. */
  readonly raw: Tensor
  /** The same as a table [n, C]. */
  readonly y: Tensor
  /** What meets each kernel: [n, places, inputs]; one place unless the layer is applied at several. */
  readonly inputs: Tensors
  /** Gradients at the layers' outputs of ⟨u, y⟩, u [n, C]: [n, places, outputs] each. */
  pull(u: Tensor): Tensors
}

/** Windows of images [n, h, w, c] as rows [n, places, kh · kw · c]. */
export function windows(x: Tensor, kernel: readonly number[], { strides, dilations, before, out }: Geometry): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number]
  const [kh, kw] = kernel as [number, number]
  const needed = (axis: 0 | 1, size: number): number => (out[axis] - 1) * strides[axis] + (size - 1) * dilations[axis] + 1
  const [rows, columns] = [needed(0, kh), needed(1, kw)]
  const after = [Math.max(0, rows - before[0] - h), Math.max(0, columns - before[1] - w)] as const
  const padded = [...before, ...after].some((p) => p > 0)
    ? tf.pad(x, [
        [0, 0],
        [before[0], after[0]],
        [before[1], after[1]],
        [0, 0],
      ])
    : x
  const parts: Tensor[] = []
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) {
      const [y, z] = [i * dilations[0], j * dilations[1]]
      const end = [(out[0] - 1) * strides[0] + 1, (out[1] - 1) * strides[1] + 1] as const
      const part =
        strides[0] === 1 && strides[1] === 1
          ? padded.slice([0, y, z, 0], [n, out[0], out[1], c])
          : padded.stridedSlice([0, y, z, 0], [n, y + end[0], z + end[1], c], [1, strides[0], strides[1], 1])
      parts.push(part)
    }
  const all = parts.length === 1 ? parts[0]! : tf.concat(parts, 3)
  return all.reshape([n, out[0] * out[1], kh * kw * c])
}

const places = ({ out }: LinearLayer): number => out.slice(0, -1).reduce((a, b) => a * b, 1)

/** The pass of `model` over `x` in evaluation mode. Gradients come by zeros added at `<layer>.out`, so weights have none. */
export function layerPass(engine: Engine, model: Model, vars: Variables, x: Input, key: Key, layers: readonly LinearLayer[]): LayerPass {
  const net = bind(model, vars, key, false)
  const first = x instanceof tf.Tensor ? x : Object.values(x)[0]!
  const n = first.shape[0]
  const probes = Object.fromEntries(layers.map((l) => [`${l.name}.out`, tf.zeros([n, ...l.out])]))
  const { y, aux, pull } = engine.vjp((p) => {
    const at = (point: string, h: Tensor): Tensor => (p[point] ? h.add(p[point]) : h)
    const value = net(x, { at })
    return {
      y: value,
      aux: net.points(
        x,
        layers.map((l) => `${l.name}.in`),
        { at },
      ),
    }
  }, probes)
  const inputs = layers.map((l): [string, Tensor] => {
    const h = engine.stop(aux[`${l.name}.in`]!)
    return [l.name, l.geometry ? windows(h, l.kernel, l.geometry) : h.reshape([n, places(l), l.inputs])]
  })
  return {
    raw: y,
    y: y.reshape([n, -1]),
    inputs: Object.fromEntries(inputs),
    pull(u) {
      const at = pull(u.reshape(y.shape))
      return Object.fromEntries(layers.map((l) => [l.name, at[`${l.name}.out`]!.reshape([n, places(l), l.outputs])]))
    },
  }
}

/** Gradients at a layer's outputs for each column of a stack u [n, C, K]: [n, K, places, outputs] a layer. */
export const pullEach = (pass: LayerPass, u: Tensor, layers: readonly LinearLayer[]): Tensors => stackEach(pullColumns(pass, u), layers)

/** The same a column at a time, [n, places, outputs] each: at many places all columns together are more than caches hold. */
export const pullColumns = (pass: LayerPass, u: Tensor): readonly Tensors[] => tf.unstack(u, 2).map((column) => pass.pull(column))

/** Columns of {@link pullColumns} side by side. */
export function stackEach(columns: readonly Tensors[], layers: readonly LinearLayer[]): Tensors {
  return Object.fromEntries(
    layers.map(({ name }) => [
      name,
      tf.stack(
        columns.map((c) => c[name]!),
        1,
      ),
    ]),
  )
}

/** Unit columns for n rows of C outputs, [n, C, C]: pulled, they give the Jacobian. */
export const unitColumns = (n: number, outputs: number): Tensor => tf.ones([n, 1, 1]).mul(tf.eye(outputs).expandDims(0))

/** Jacobian rows [n, K, inputs · outputs] of a kernel, row-major as the kernel is kept: Σ_t a_t g_tᵀ. a [n, t, in], g [n, K, t, out]. */
export function kernelJacobian(a: Tensor, g: Tensor): Tensor {
  const [n, t, inputs] = a.shape as [number, number, number]
  const [, k, , outputs] = g.shape as [number, number, number, number]
  if (t === 1)
    return a
      .reshape([n, 1, inputs, 1])
      .mul(g.reshape([n, k, 1, outputs]))
      .reshape([n, k, inputs * outputs])
  // One product an example: [in, t] by [t, K · out].
  const wide = g.transpose([0, 2, 1, 3]).reshape([n, t, k * outputs])
  const all = tf.matMul(a, wide, true, false).reshape([n, inputs, k, outputs])
  return all.transpose([0, 2, 1, 3]).reshape([n, k, inputs * outputs])
}

/** Jacobian rows [n, K, P] of the kernels and biases of the layers, one after the other. */
export function jacobian(pass: LayerPass, pulled: Tensors, layers: readonly LinearLayer[]): Tensor {
  const parts = layers.flatMap(({ name, bias }) => {
    const kernel = kernelJacobian(pass.inputs[name]!, pulled[name]!)
    return bias ? [kernel, pulled[name]!.sum(2)] : [kernel]
  })
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 2)
}

import type { Engine, Input, Net, Tensors } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { table } from '../../parts/context/index.js'
import { linearize, perExample } from '../../parts/derivatives/index.js'
import { map } from '../../parts/training/index.js'

/** Layers whose kernels and biases are all the parameters, where all are matrices and vectors of dense layers that the pass announces. */
function denseLayers(net: Net, x: Input): string[] | undefined {
  const seen = new Set<string>()
  net(x, { at: (point, h) => (seen.add(point), h) })
  const { params } = net.vars
  const layers = new Set<string>()
  for (const [name, p] of Object.entries(params)) {
    const [, layer, part] = /^(.*)\.(kernel|bias)$/.exec(name) ?? []
    if (layer === undefined || p.rank !== (part === 'kernel' ? 2 : 1) || !params[`${layer}.kernel`]) return undefined
    if (!seen.has(`${layer}.in`) || !seen.has(`${layer}.out`)) return undefined
    layers.add(layer)
  }
  return Object.keys(net.vars.state).length === 0 ? [...layers] : undefined
}

/** Tensors [n, …] side by side, in the order of `like`. [n, P] */
const beside = (rows: Tensors, like: Tensors, n: number): Tensor =>
  tf.concat(
    Object.keys(like).map((name) => rows[name]!.reshape([n, -1])),
    1,
  )

/** 1 in entry i of an array of the given shape, 0 elsewhere. */
const one = (shape: readonly number[], i: number): Tensor => {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1))
  data[i] = 1
  return tf.tensor(data, [...shape])
}

/** The unit vectors of the space that `like` spans, by name. */
const units = (like: Tensors): Tensors[] =>
  Object.entries(like).flatMap(([name, p]) => Array.from({ length: p.size }, (_, i) => ({ [name]: one(p.shape, i) })))

/**
 * J [C n, P], the derivative of every output of every row of `x` in all parameters of `net`; differentiable itself. Dense networks take one
 * backward pass an output; others one for each of the C n outputs, or one for each of the P parameters, whichever are fewer.
 */
export function jacobian(engine: Engine, net: Net, x: Input): Tensor {
  const { params } = net.vars
  const { shape } = table(net(x))
  const [n, outputs] = shape as [number, number]
  const layers = denseLayers(net, x)
  if (layers) {
    const column = (c: number): Tensors => perExample(engine, (at) => table(net(x, { at })).slice([0, c], [n, 1]).reshape([n]), layers)
    return tf.concat(
      Array.from({ length: outputs }, (_, c) => beside(column(c), params, n)),
      0,
    )
  }
  // Rows c n + i, as above.
  const { pull, push } = linearize(engine, (p) => table(net.with(p)(x)).transpose(), params)
  const size = Object.values(params).reduce((sum, p) => sum + p.size, 0)
  if (size < n * outputs)
    return tf.stack(
      units(params).map((v) => push(v).reshape([-1])),
      1,
    )
  return tf.concat(
    Array.from({ length: n * outputs }, (_, i) =>
      beside(
        map(pull(one([outputs, n], i)), (g) => g.expandDims(0)),
        params,
        1,
      ),
    ),
    0,
  )
}

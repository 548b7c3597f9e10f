import { tf, type Tensor, type Tensor4D } from 'ockham/tensor'
import { conv, type ConvOptions } from '../../networks/index.js'
import { channelsFirst, image, type At, type Held, type Op, type Ops, type Result } from '../at.js'
import { pair, type Pair } from './pairs.js'
import { transposedConvolution } from './transposed-convolution.js'

/** Where windows stand on an image. */
interface Windows {
  readonly size: Pair
  readonly strides: Pair
  readonly dilations: Pair
  /** Before and after the rows and the columns. */
  readonly pads: readonly [Pair, Pair]
}

/** What `auto_pad` says: as much padding as lets every stride have a window, the odd one after (`SAME_UPPER`) or before. */
function automatic(length: number, size: number, stride: number, dilation: number, upper: boolean): Pair {
  const all = Math.max(0, (Math.ceil(length / stride) - 1) * stride + (size - 1) * dilation + 1 - length)
  const less = Math.floor(all / 2)
  return upper ? [less, all - less] : [all - less, less]
}

function windowsOf(at: At, x: Tensor, size: Pair): Windows {
  const [strides, dilations] = [pair(at.ints('strides'), 1), pair(at.ints('dilations'), 1)]
  const said = at.text('auto_pad', 'NOTSET')
  const pads = ([0, 1] as const).map((axis): Pair => {
    if (said === 'SAME_UPPER' || said === 'SAME_LOWER')
      return automatic(x.shape[axis + 1]!, size[axis], strides[axis], dilations[axis], said === 'SAME_UPPER')
    const given = said === 'VALID' ? undefined : at.ints('pads')
    if (!given) return [0, 0]
    return given.length === 2 ? (axis === 0 ? [0, 0] : [given[0]!, given[1]!]) : [given[axis]!, given[axis + 2]!]
  })
  return { size, strides, dilations, pads: pads as [Pair, Pair] }
}

/** Padding after the end that lets a last, partial window in, where rounding is up: one that begins inside the image or before it. */
function roundedUp(x: Tensor, { size, strides, pads, ...rest }: Windows): Windows {
  const grown = ([0, 1] as const).map((axis): Pair => {
    const [before, after] = pads[axis]
    const length = x.shape[axis + 1]!
    const windows = Math.ceil((length + before + after - size[axis]) / strides[axis])
    const count = windows * strides[axis] >= length + before ? windows : windows + 1
    return [before, Math.max(after, (count - 1) * strides[axis] + size[axis] - length - before)]
  })
  return { ...rest, size, strides, pads: grown as [Pair, Pair] }
}

/** A sequence [n, c, l] as an image of one row. */
const asImage = (at: At): { readonly x: Tensor4D; readonly sequence: boolean } => {
  const x = at.of(0).tensor
  if (x.rank !== 3) return { x: at.image(0), sequence: false }
  return { x: x.transpose([0, 2, 1]).expandDims<Tensor4D>(1), sequence: true }
}

const back = (y: Tensor, sequence: boolean): Held | Tensor => (sequence ? channelsFirst(y).squeeze([2]) : image(y))

const layered = (kernel: Tensor): Tensor => (kernel.rank === 3 ? kernel.expandDims(0) : kernel)
const layeredBefore = (weights: Tensor): Tensor => (weights.rank === 3 ? weights.expandDims(2) : weights)

/** The layer `<name>` of a convolution, its kernel [h, w, in / groups, out] or [w, in / groups, out] given. */
function convolution(at: At, name: string, filter: Tensor, bias: Tensor | undefined): Result {
  const { x, sequence } = asImage(at)
  const kernel = layered(filter)
  const { strides, pads: pad, dilations } = windowsOf(at, x, [kernel.shape[0], kernel.shape[1]!])
  const options: ConvOptions = { strides, pad, dilations, groups: at.int('group', 1) }
  const params = { [`${name}.kernel`]: kernel, ...(bias && { [`${name}.bias`]: bias }) }
  return back(conv({ params, frozen: {}, state: {} }, name, x, at.around.call, options), sequence)
}

const layer: Op = (at) => {
  const { params } = at.own
  const name = at.step.layer!
  return convolution(at, name, params[`${name}.kernel`]!, params[`${name}.bias`] ?? (at.has(1) ? at.x(1) : undefined))
}

/** With weights that others read too, or that are computed. */
const loose: Op = (at) => {
  const w = at.x(1)
  return convolution(at, at.step.name, w.transpose(w.rank === 4 ? [2, 3, 1, 0] : [2, 1, 0]), at.has(2) ? at.x(2) : undefined)
}

const transposed: Op = (at) => {
  const { x, sequence } = asImage(at)
  return back(transposedConvolution(at, x, layeredBefore(at.x(1))), sequence)
}

const explicit = ([rows, columns]: Windows['pads']): [Pair, Pair, Pair, Pair] => [[0, 0], rows, columns, [0, 0]]

function pooling(at: At, pool: (x: Tensor4D, windows: Windows) => Tensor): Result {
  const { x, sequence } = asImage(at)
  const said = at.ints('kernel_shape') ?? []
  const windows = windowsOf(at, x, pair(said, 1))
  if (windows.dilations.some((d) => d > 1)) throw at.refuse('windows are dilated', 'export the network without dilation in pooling')
  return back(pool(x, at.int('ceil_mode', 0) ? roundedUp(x, windows) : windows), sequence)
}

const maxPool: Op = (at) => pooling(at, (x, { size, strides, pads }) => tf.maxPool(x, size, strides, explicit(pads)))

/** Padding counts where `count_include_pad` says so; what rounding up adds never does. */
const averagePool: Op = (at) =>
  pooling(at, (x, { size, strides, pads }) => {
    if (!at.int('count_include_pad', 0)) return tf.avgPool(x, size, strides, explicit(pads))
    const own = windowsOf(at, x, size).pads
    const rest = pads.map(([, after], i) => [0, after - own[i]![1]]) as [Pair, Pair]
    return tf.avgPool(tf.pad(x, explicit(own)), size, strides, explicit(rest))
  })

const globally =
  (reduce: (x: Tensor, axes: number[]) => Tensor): Op =>
  (at) => {
    const x = at.of(0).tensor
    return x.rank === 4 ? image(reduce(at.image(0), [1, 2])) : reduce(x, x.shape.map((_, i) => i).slice(2))
  }

/** Channels become pixels, or pixels channels, in blocks. */
const depthToSpace: Op = (at) => {
  const b = at.int('blocksize', 1)
  const [n, c, h, w] = at.x(0).shape as [number, number, number, number]
  const crd = at.text('mode', 'DCR') === 'CRD'
  const apart = at.x(0).reshape(crd ? [n, c / (b * b), b, b, h, w] : [n, b, b, c / (b * b), h, w])
  return apart.transpose(crd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]).reshape([n, c / (b * b), h * b, w * b])
}

const spaceToDepth: Op = (at) => {
  const b = at.int('blocksize', 1)
  const [n, c, h, w] = at.x(0).shape as [number, number, number, number]
  return at
    .x(0)
    .reshape([n, c, h / b, b, w / b, b])
    .transpose([0, 3, 5, 1, 2, 4])
    .reshape([n, c * b * b, h / b, w / b])
}

export const windows: Ops = {
  ConvTranspose: transposed,
  'ockham.Conv': layer,
  Conv: loose,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globally((x, axes) => tf.mean(x, axes, true)),
  GlobalMaxPool: globally((x, axes) => tf.max(x, axes, true)),
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
}

import type { Tensor } from '@tensorflow/tfjs-core'
import { kit } from '../kit.js'
import type { Composed } from './composed.js'
import { each, lookedAt, taken } from './taps.js'

const { tf } = kit

/** Grey dilation: the largest x + filter under each window [kh, kw] of a channel. */
const dilation2d: Composed = {
  inputs: ['x', 'filter'],
  of({ x, filter }, attrs) {
    const { strides, pad, dilations } = attrs as { strides: number; pad: 'same' | 'valid'; dilations: number }
    const i = tf.backend_util.computeDilation2DInfo(
      x!.shape as [number, number, number, number],
      filter!.shape as [number, number, number],
      strides,
      pad,
      'NHWC',
      dilations,
    )
    const rows = { size: i.inHeight, out: i.outHeight, taps: i.filterHeight, stride: i.strideHeight, dilation: i.dilationHeight, before: i.padInfo.top } // prettier-ignore
    const columns = { size: i.inWidth, out: i.outWidth, taps: i.filterWidth, stride: i.strideWidth, dilation: i.dilationWidth, before: i.padInfo.left } // prettier-ignore
    const raised = each(rows.taps).flatMap((u) => {
      const row = taken(x!, lookedAt(rows, u), 1, -Infinity)
      return each(columns.taps).map((v) =>
        taken(row, lookedAt(columns, v), 2, -Infinity).add(filter!.slice([u, v, 0], [1, 1, -1]).reshape([-1])),
      )
    })
    return raised.reduce((a, b) => tf.maximum(a, b))
  },
}

/** The matrix [n, n] of ones where rows and columns lie within `reach` of each other. */
const band = (n: number, reach: number): Tensor =>
  tf.tensor2d(
    each(n * n).map((i) => (Math.abs(Math.floor(i / n) - (i % n)) <= reach ? 1 : 0)),
    [n, n],
  )

/** x (bias + α Σ x²)^−β, the sum over channels within `depthRadius`. */
const localResponse: Composed = {
  inputs: ['x'],
  of({ x }, attrs) {
    const { depthRadius, bias, alpha, beta } = attrs as Record<string, number>
    const c = x!.shape.at(-1)!
    const sums = x!.square().reshape([-1, c]).matMul(band(c, depthRadius!)).reshape(x!.shape)
    return x!.mul(sums.mul(alpha!).add(bias!).pow(-beta!))
  },
}

const batchNorm: Composed = {
  inputs: ['x', 'mean', 'variance'],
  optional: ['scale', 'offset'],
  of({ x, mean, variance, scale, offset }, { varianceEpsilon }) {
    const inverse = variance!.add(varianceEpsilon as number).rsqrt()
    const y = x!.sub(mean!).mul(scale ? inverse.mul(scale) : inverse)
    return offset ? y.add(offset) : y
  },
}

const flip: Composed = { inputs: ['image'], of: ({ image }) => image!.reverse(2) }

const depthToSpace: Composed = {
  inputs: ['x'],
  of({ x }, attrs) {
    const { blockSize: b, dataFormat } = attrs as { blockSize: number; dataFormat: string }
    const first = dataFormat === 'NCHW'
    const last = first ? x!.transpose([0, 2, 3, 1]) : x!
    const [n, h, w, c] = last.shape as [number, number, number, number]
    const blocks = last.reshape([n, h, w, b, b, c / b / b])
    const y = blocks.transpose([0, 1, 3, 2, 4, 5]).reshape([n, h * b, w * b, c / b / b])
    return first ? y.transpose([0, 3, 1, 2]) : y
  },
}

/** Kernels on images that are made of others. */
export const pictures: Readonly<Record<string, Composed>> = {
  Dilation2D: dilation2d,
  LRN: localResponse,
  FusedBatchNorm: batchNorm,
  FlipLeftRight: flip,
  DepthToSpace: depthToSpace,
}

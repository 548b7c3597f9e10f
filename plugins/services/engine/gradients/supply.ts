import type { GradFunc, Tensor } from '@tensorflow/tfjs-core'
import { kit } from '../kit.js'

const { tf } = kit

/** Registers where tfjs has no gradient, so that one it may get wins. */
export const supply = (kernelName: string, inputsToSave: string[], gradFunc: GradFunc): void => {
  if (!tf.getGradient(kernelName)) tf.registerGradient({ kernelName, inputsToSave, gradFunc })
}

/** Registers, in place of a gradient of tfjs that is wrong or refuses what it could do. */
export const replace = (kernelName: string, inputsToSave: string[], gradFunc: GradFunc): void => {
  if (tf.getGradient(kernelName)) tf.unregisterGradient(kernelName)
  tf.registerGradient({ kernelName, inputsToSave, gradFunc })
}

export type Pair = readonly [number, number]
type Pads = readonly [Pair, Pair, Pair, Pair]

/** Zeros before and after each axis; negative widths cut. */
export function padded(x: Tensor, widths: Pads): Tensor {
  const begin = widths.map(([before]) => Math.max(0, -before))
  const size = x.shape.map((n, i) => n - begin[i]! - Math.max(0, -widths[i]![1]))
  const cut = size.some((n, i) => n !== x.shape[i]) ? tf.slice(x, begin, size) : x
  const grown = widths.map(([before, after]) => [Math.max(0, before), Math.max(0, after)] as [number, number])
  return grown.some(([before, after]) => before + after > 0) ? tf.pad(cut, grown) : cut
}

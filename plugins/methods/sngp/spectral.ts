import type { Call, HostKey, Tensors, Value, Variables } from 'ockham'
import type { Scalar, Tensor } from 'ockham/tensor'
import { value } from '../../parts/training/index.js'

/** A kernel [.., in, out] whose largest singular value is bounded, as a matrix [.. in, out]. */
export interface Bounded {
  readonly name: string
  readonly outputs: number
}

const suffix = '.kernel'

/** Name of the state that holds the right singular vector of a kernel. */
export const directionOf = (layer: string): string => `${layer}.spectral`

/** Every layer but the head. */
export function boundedLayers({ params }: { readonly params: Readonly<Record<string, { readonly shape: readonly number[] }>> }): Bounded[] {
  return Object.entries(params).flatMap(([name, { shape }]) =>
    name.endsWith(suffix) && shape.length >= 2 && name !== `head${suffix}`
      ? [{ name: name.slice(0, -suffix.length), outputs: shape.at(-1)! }]
      : [],
  )
}

/** A unit vector [out]. */
export function firstDirection(key: HostKey, n: number): Value {
  const draw = key.normal([n]).data
  const length = Math.hypot(...draw)
  return value(Float32Array.from(draw, (z) => z / length))
}

const unit = (v: Tensor): Tensor => v.div(v.square().sum().sqrt().maximum(1e-12))

/**
 * The variables with every kernel divided by max(1, σ / bound), Miyato et al. 2018 and Liu et al. 2020, equation 9: σ = ‖W v‖ for the right singular vector v as
 * far as it is known, whose derivative in W is that of the singular value. While training, v moves on by one power iteration a step.
 */
export function normalised(vars: Variables, call: Call, bound: number): Variables {
  const params: Record<string, Tensor> = { ...vars.params }
  for (const { name, outputs } of boundedLayers(vars)) {
    const kernel = vars.params[`${name}${suffix}`]!
    const w = kernel.reshape([-1, outputs])
    const v = vars.state[directionOf(name)]!.reshape([outputs, 1])
    const image = w.matMul(v)
    const sigma = image.square().sum().sqrt() as Scalar
    params[`${name}${suffix}`] = kernel.div(sigma.div(bound).maximum(1))
    if (call.train) call.next(directionOf(name), unit(w.matMul(unit(image), true)).reshape([outputs]))
  }
  return { ...vars, params: params satisfies Tensors }
}

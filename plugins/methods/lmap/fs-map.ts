/*
 * FS-MAP. Qiu, Rudner, Kapoor, Wilson, "Should We Learn Most Likely Functions or Parameters?", NeurIPS 2023, arXiv 2311.15990:
 * by the change of variables from weights to functions, −log p(f) = −log p(θ) + ½ log det G(θ), G = E JᵀJ over points.
 */
import type { Engine, Prior, Resolved, Value } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { z } from 'zod'
import { choleskyJittered, inverseFactored, logDeterminant, matrix } from '../../parts/linalg/index.js'
import { sumSquares } from '../../parts/training/index.js'
import { jacobian } from './jacobian.js'
import { looked, pointShape, pointsFit, pointsMisfit } from './points.js'

const positive = z.number().positive()

export const fsMapOptions = z
  .strictObject({
    epsilon: positive
      .default(1)
      .describe(
        'ε, added to the diagonal of G, which is singular for most networks; towards 0 the density of functions, towards ∞ that of parameters',
      ),
    priorVar: positive.default(1).describe('v, prior variance of every parameter'),
    ...pointShape,
  })
  .refine(pointsFit, pointsMisfit)

export type FsMapOptions = Resolved<z.output<typeof fsMapOptions>>

/** (A + εI)⁻¹ and ½ log det (A + εI), float64 on the host. */
function factored(a: Value, epsilon: number): readonly Value[] {
  const n = a.shape[0]!
  const shifted = matrix(
    [n, n],
    Float64Array.from(a.data, (v, i) => (i % (n + 1) === 0 ? v + epsilon : v)),
  )
  const { factor } = choleskyJittered(shifted)
  return [inverseFactored(factor), { shape: [], dtype: 'float64', data: Float64Array.of(logDeterminant(factor) / 2) }]
}

/**
 * ½ log det (JᵀJ/n + εI), P eigenvalues for J [C n, P]: from the smaller of JᵀJ and JJᵀ, as zero eigenvalues contribute ½ log ε each.
 * The inverse is formed in float64 and held fixed; ½ tr (A dG) is the exact gradient.
 */
export function halfLogDeterminant(engine: Engine, j: Tensor, points: Tensor | number, epsilon: number): Scalar {
  const [rows, columns] = j.shape as [number, number]
  const small = Math.min(rows, columns)
  const gram = (columns <= rows ? j.matMul(j, true) : j.matMul(j, false, true)).div(points)
  const [inverse, half] = engine.host((g) => factored(g, epsilon), [engine.stop(gram)], [[small, small], []]) as [Tensor, Tensor]
  // The host call has no gradient: ½ tr(A G) at fixed A lends it, and its value is taken off again.
  const lent = inverse.mul(gram).sum().mul<Scalar>(0.5)
  return lent
    .sub(engine.stop(lent))
    .add(half)
    .add<Scalar>(((columns - small) / 2) * Math.log(epsilon))
}

/** Energy ½ log det (G + εI) + ‖θ‖²/2v, nats; exact, for models of up to about a thousand parameters and few points. */
export function fsMap(options: FsMapOptions): Prior {
  const { epsilon, priorVar } = options
  const { extra, mask } = looked(options)
  return {
    ...extra,
    energy(step): Scalar {
      const { engine, net, x } = step
      const counted = mask(step)
      const j = jacobian(engine, net, x)
      const weighed = j.mul(tf.tile(counted, [j.shape[0] / counted.shape[0], 1]))
      const density = halfLogDeterminant(engine, weighed, counted.sum().maximum(1), epsilon)
      return density.add<Scalar>(sumSquares(net.vars.params).div(2 * priorVar))
    },
  }
}

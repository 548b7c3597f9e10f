import type { Engine, Program, Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { definite, perEngine, type Quartered } from '../linalg/index.js'
import type { QuarteredValue } from './quartered.js'
import { half, padded, solved, summed, termsOf, times, type Residual, type Terms } from './solved.js'

type Inputs = keyof Quartered | 'residual' | 'noise'
type Step = Program<Record<Inputs, Value>, Record<'alpha' | 'missed' | 'diagonal' | 'leaves' | keyof Quartered, Tensor>>

const stepOf =
  (engine: Engine) =>
  ({ first, across, second, residual, noise }: Record<Inputs, Tensor>) => {
    const k = { first, across, second }
    const { inverses, alpha, diagonal, leaves } = solved(engine, k, k, residual, noise)
    const sum = summed(inverses)
    const [upper, lower] = [half(alpha, 0), half(alpha, 1)]
    const by = (a: Tensor, b: Tensor, inverse: Tensor): Tensor => tf.matMul(a, b, false, true).sub(inverse).mul(0.5)
    return {
      alpha,
      missed: residual.sub(noise.mul(alpha)).sub(times(k, alpha)),
      diagonal,
      leaves,
      first: by(upper, upper, sum.first),
      across: by(upper, lower, sum.across),
      second: by(lower, lower, sum.second),
    }
  }

const programs = perEngine((engine): Step => engine.compile(stepOf(engine), { precision: 'float64' }))

/**
 * Evidence under any covariance, given by its quarters, in one call of the runtime; `by` is ½ Σ_c (α αᵀ − Σ_c⁻¹), its derivative in K.
 * Throws `OCK-LINALG-002` where a covariance is not positive definite.
 */
export async function covarianceEvidence(
  engine: Engine,
  k: QuarteredValue,
  outputs: readonly Residual[],
): Promise<Terms & { readonly by: QuarteredValue }> {
  const program = programs.of(engine)
  const { first, across, second, ...found } = await definite(() => program({ ...k, ...padded(outputs, 2 * k.first.shape[0]!) }), 'evidence')
  return { ...termsOf(found, outputs), by: { first, across, second } }
}

/** Gives back the memory that the runtime keeps between two calls. */
export const releaseCovariance = (engine: Engine): void => programs.release(engine)

import { tf, type Tensor } from 'ockham/tensor'

/** Ways from normal outputs to class probabilities. */
export const links = ['probit', 'pairwise', 'monte-carlo', 'bridge', 'bridge-norm'] as const

export type Link = (typeof links)[number]

const diagonalOf = (v: Tensor): Tensor => v.mul(tf.eye(v.shape[1]!)).sum(2)

/** softmax(κ μ) with κ_c = 1/√(1 + π/8 V_cc), MacKay 1992 for each class on its own. μ and the variances [n, C]. */
export const probit = (mean: Tensor, variance: Tensor): Tensor =>
  tf.softmax(
    mean.mul(
      variance
        .mul(Math.PI / 8)
        .add(1)
        .rsqrt(),
    ),
  )

/**
 * p_c ∝ 1 / Σ_j exp((μ_j − μ_c) / √(1 + π/8 (V_cc + V_jj − 2 V_cj))), the mean field of Lu, Ie and Sha 2020 over differences of outputs. What moves all
 * outputs together changes no class and, unlike in {@link probit}, nothing here; of two classes it is the probit of their difference.
 * μ [n, C], V [n, C, C].
 */
export function pairwise(mean: Tensor, covariance: Tensor): Tensor {
  const variance = diagonalOf(covariance)
  const spread = variance.expandDims(2).add(variance.expandDims(1)).sub(covariance.mul(2))
  // Rounding may leave the variance of a difference below 0.
  const kappa = spread
    .relu()
    .mul(Math.PI / 8)
    .add(1)
    .rsqrt()
  const against = mean.expandDims(1).sub(mean.expandDims(2)).mul(kappa)
  return tf.softmax(tf.logSumExp(against, 2).neg())
}

/**
 * Concentrations α of the Dirichlet that the Laplace bridge gives (Hobbhahn, Kristiadi and Hennig 2022), after what moves all outputs together is
 * taken out. μ [n, C], V [n, C, C] → [n, C].
 */
export function bridgeConcentrations(mean: Tensor, covariance: Tensor, normalised = false): Tensor {
  const classes = mean.shape[1]!
  const rows = covariance.sum(2)
  const total = rows.sum(1, true)
  let mu = mean.sub(rows.mul(mean.sum(1, true).div(total)))
  let variance = diagonalOf(covariance).sub(rows.square().div(total))
  if (normalised) {
    const c = variance.mean(1, true).div(Math.sqrt(classes / 2))
    mu = mu.div(c.sqrt())
    variance = variance.div(c)
  }
  return mu
    .exp()
    .div(classes ** 2)
    .mul(mu.neg().exp().sum(1, true))
    .add(1 - 2 / classes)
    .div(variance)
}

/**
 * Mean of the Dirichlet with {@link bridgeConcentrations}. It does not return to softmax(μ) as the variance vanishes: with `normalised` it becomes too sure
 * there instead.
 */
export function bridge(mean: Tensor, covariance: Tensor, normalised = false): Tensor {
  const alpha = bridgeConcentrations(mean, covariance, normalised)
  return alpha.div(alpha.sum(1, true))
}

/** Lower Cholesky factors of small matrices V + ε tr(V)/C I, [n, C, C], a column at a time; traced. */
export function choleskyOfEach(v: Tensor, jitter = 1e-6): Tensor {
  const [n, c] = v.shape as [number, number]
  const trace = diagonalOf(v).sum(1, true).expandDims(2)
  const a = v.add(
    tf
      .eye(c)
      .expandDims(0)
      .mul(trace.mul(jitter / c).add(1e-30)),
  )
  const columns: Tensor[] = []
  for (let j = 0; j < c; j++) {
    let column = a.slice([0, 0, j], [n, c, 1])
    if (j > 0) {
      const before = columns.length === 1 ? columns[0]! : tf.concat(columns, 2)
      column = column.sub(tf.matMul(before, before.slice([0, j, 0], [n, 1, j]), false, true))
    }
    const pivot = column.slice([0, j, 0], [n, 1, 1]).maximum(1e-30).sqrt()
    const below = tf.range(0, c).greaterEqual(j).cast('float32').reshape([1, c, 1])
    columns.push(column.div(pivot).mul(below))
  }
  return columns.length === 1 ? columns[0]! : tf.concat(columns, 2)
}

/** Draws μ + L ε of normal outputs, [S, n, C]. The noise [S, C] is the same for every row, so that rows may come in any order. */
export function sampled(mean: Tensor, covariance: Tensor, noise: Tensor): Tensor {
  const [n, c] = mean.shape as [number, number]
  const moved = tf.matMul(choleskyOfEach(covariance).reshape([n * c, c]), noise, false, true)
  return moved.reshape([n, c, noise.shape[0]]).transpose([2, 0, 1]).add(mean.expandDims(0))
}

/** Class probabilities [n, C] of normal outputs, and the draws they average where the link draws, [S, n, C]. `noise` [S, C]. */
export function categoricalOf(mean: Tensor, covariance: Tensor, link: Link, noise: Tensor): { probabilities: Tensor; members?: Tensor } {
  if (link === 'probit') return { probabilities: probit(mean, diagonalOf(covariance)) }
  if (link === 'pairwise') return { probabilities: pairwise(mean, covariance) }
  if (link !== 'monte-carlo') return { probabilities: bridge(mean, covariance, link === 'bridge-norm') }
  const members = tf.softmax(sampled(mean, covariance, noise))
  return { probabilities: members.mean(0), members }
}

import { normalCdf } from './normal.js'

/** What float32 rounds to 0 is not impossible: such a probability counts as its smallest number, 2^−149, about 103 nats. */
const least = 2 ** -149

/** Mean of −log p[label], nats an example. Probabilities [n · classes]. */
export function nll(probabilities: ArrayLike<number>, classes: number, labels: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < labels.length; i++) sum -= Math.log(Math.max(least, probabilities[i * classes + labels[i]!]!))
  return sum / labels.length
}

/** Brier score of each example [n], ‖p − onehot(label)‖², in [0, 2] (Brier 1950). */
export function brierScores(probabilities: ArrayLike<number>, classes: number, labels: ArrayLike<number>): Float64Array {
  const out = new Float64Array(labels.length)
  for (let i = 0; i < labels.length; i++)
    for (let c = 0; c < classes; c++) out[i]! += (probabilities[i * classes + c]! - (c === labels[i] ? 1 : 0)) ** 2
  return out
}

/** Root of the mean squared error over examples and outputs, in the target's units. */
export function rmse(means: ArrayLike<number>, targets: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < means.length; i++) sum += (targets[i]! - means[i]!) ** 2
  return Math.sqrt(sum / means.length)
}

/** Mean of −log N(target; mean, variance), nats an example, its outputs summed. */
export function normalNll(means: ArrayLike<number>, variances: ArrayLike<number>, targets: ArrayLike<number>, outputs = 1): number {
  let sum = 0
  for (let i = 0; i < means.length; i++)
    sum += 0.5 * (Math.log(2 * Math.PI * variances[i]!) + (targets[i]! - means[i]!) ** 2 / variances[i]!)
  return (sum * outputs) / means.length
}

/**
 * Mean continuous ranked probability score of normal predictions, s (z (2Φ(z) − 1) + 2φ(z) − 1/√π) with z = (target − mean)/s, in the target's units
 * (Gneiting, Raftery 2007).
 */
export function normalCrps(means: ArrayLike<number>, variances: ArrayLike<number>, targets: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < means.length; i++) {
    const s = Math.sqrt(variances[i]!)
    const z = (targets[i]! - means[i]!) / s
    const density = Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI)
    sum += s * (z * (2 * normalCdf(z) - 1) + 2 * density - 1 / Math.sqrt(Math.PI))
  }
  return sum / means.length
}

/**
 * Mean of −log of an equal mixture of normals, nats an example, by members' means and variances [S, n, outputs]; outputs of an example are independent given the
 * member. Neither the mean of the members' scores nor the score of one normal with the mixture's moments, {@link normalNll}.
 */
export function mixtureNll(means: ArrayLike<number>, variances: ArrayLike<number>, targets: ArrayLike<number>, outputs = 1): number {
  const members = means.length / targets.length
  let sum = 0
  for (let from = 0; from < targets.length; from += outputs) {
    const logs = Array.from({ length: members }, (_, s) => {
      let log = 0
      for (let d = from; d < from + outputs; d++) {
        const at = s * targets.length + d
        log -= 0.5 * (Math.log(2 * Math.PI * variances[at]!) + (targets[d]! - means[at]!) ** 2 / variances[at]!)
      }
      return log
    })
    const top = logs.reduce((a, b) => Math.max(a, b), -Infinity)
    sum -= top + Math.log(logs.reduce((a, l) => a + Math.exp(l - top), 0) / members)
  }
  return (sum * outputs) / targets.length
}

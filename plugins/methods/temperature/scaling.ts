import { goldenSection } from '../../parts/linalg/index.js'

/** Log-probabilities of examples [members, n, C] and their labels. */
export interface Logs {
  readonly members: number
  readonly classes: number
  readonly logs: Float64Array
  readonly labels: ArrayLike<number>
}

/** What float32 rounds to 0 is not impossible: such a probability counts as its smallest number. */
export const logOf = (p: number): number => Math.log(Math.max(2 ** -149, p))

/** exp(log p / T) / Σ of one row, into `out`; finite at any T. */
export function tempered(logs: Float64Array, from: number, classes: number, temperature: number, out: Float64Array): void {
  let top = -Infinity
  for (let c = 0; c < classes; c++) top = Math.max(top, logs[from + c]!)
  let total = 0
  for (let c = 0; c < classes; c++) total += out[c] = Math.exp((logs[from + c]! - top) / temperature)
  for (let c = 0; c < classes; c++) out[c] = out[c]! / total
}

/** Mean negative log-likelihood of the labels, nats, under the mean over members of probabilities at a temperature. */
export function nllAt({ members, classes, logs, labels }: Logs, temperature: number): number {
  const row = new Float64Array(classes)
  let sum = 0
  for (let i = 0; i < labels.length; i++) {
    let p = 0
    for (let m = 0; m < members; m++) {
      tempered(logs, (m * labels.length + i) * classes, classes, temperature, row)
      p += row[labels[i]!]! / members
    }
    sum -= Math.log(Math.max(Number.MIN_VALUE, p))
  }
  return sum / labels.length
}

/** Temperatures that are tried: beyond them probabilities are one-hot, or even. */
const [least, most] = [0.01, 100]

/**
 * The temperature of the least negative log-likelihood between 0.01 and 100, by golden sections of its logarithm. For one member the
 * likelihood has one optimum, since it is concave in 1/T.
 */
export function fitTemperature(logs: Logs): number {
  return Math.exp(goldenSection((t) => nllAt(logs, Math.exp(t)), Math.log(least), Math.log(most), 1e-8))
}

/*
 * Temperature, vector and matrix scaling. Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, section 4.
 */
import { InputError, type Dataset, type Evaluation } from 'ockham'
import { z } from 'zod'
import { reliabilityDiagram } from '../figures/index.js'
import { correctness, decisions, mean } from './accuracy.js'
import { labelled } from './categorical.js'
import { expectedCalibrationError, reliability } from './ece.js'
import { checkSplits, predictionsOf, type Categorical } from './predictions.js'
import { nll } from './scores.js'

export const scalings = ['temperature', 'vector', 'matrix'] as const

export const scalingOptions = z.strictObject({
  method: z
    .enum(scalings)
    .default('temperature')
    .describe('one factor on all logits, a factor and a shift a class, or a matrix and a shift'),
  fit: z.string().min(1).default('validation').describe('labelled rows that it is fitted on; neither trained on nor evaluated'),
  split: z.string().min(1).default('test').describe('the split that is evaluated, before and after'),
  ridge: z.number().min(0).default(0).describe('matrix: on half the squares of what is off the diagonal, added to the mean loss'),
})

type Options = z.output<typeof scalingOptions>

export type Scaled = { readonly weights: Float64Array; readonly bias: Float64Array }

const least = 2 ** -149

/** Logits up to a constant a row, which is chosen so that their mean is 0: [n · C]. */
export function centredLogs(probabilities: ArrayLike<number>, classes: number): Float64Array {
  const logs = Float64Array.from(probabilities, (p) => Math.log(Math.max(least, p)))
  for (let from = 0; from < logs.length; from += classes) {
    const row = logs.subarray(from, from + classes)
    const middle = mean(row)
    for (let c = 0; c < classes; c++) row[c]! -= middle
  }
  return logs
}

/** softmax(W z + b) of every row: logits [n · C], W [C · C] → [n · C]. */
export function scaledProbabilities(logits: Float64Array, { weights, bias }: Scaled): Float64Array {
  const classes = bias.length
  const out = new Float64Array(logits.length)
  for (let from = 0; from < logits.length; from += classes) {
    let top = -Infinity
    for (let c = 0; c < classes; c++) {
      let sum = bias[c]!
      for (let d = 0; d < classes; d++) sum += weights[c * classes + d]! * logits[from + d]!
      out[from + c] = sum
      top = Math.max(top, sum)
    }
    let total = 0
    for (let c = 0; c < classes; c++) total += out[from + c] = Math.exp(out[from + c]! - top)
    for (let c = 0; c < classes; c++) out[from + c]! /= total
  }
  return out
}

/** The gradient of the mean loss in W and b, as one array; numbers that the method ties or keeps at 0 are made so. */
function slopeOf(logits: Float64Array, labels: ArrayLike<number>, at: Scaled, method: Options['method'], ridge: number): Float64Array {
  const classes = at.bias.length
  const n = labels.length
  const p = scaledProbabilities(logits, at)
  const slope = new Float64Array(classes * (classes + 1))
  for (let i = 0; i < n; i++)
    for (let c = 0; c < classes; c++) {
      const gap = (p[i * classes + c]! - (labels[i] === c ? 1 : 0)) / n
      slope[classes * classes + c]! += gap
      if (method === 'matrix') for (let d = 0; d < classes; d++) slope[c * classes + d]! += gap * logits[i * classes + d]!
      else slope[c * classes + c]! += gap * logits[i * classes + c]!
    }
  if (method === 'temperature') {
    let sum = 0
    for (let c = 0; c < classes; c++) sum += slope[c * classes + c]!
    slope.fill(0)
    // One number moves all of the diagonal: its slope is shared out, so that a step along it is one of the number's.
    for (let c = 0; c < classes; c++) slope[c * classes + c] = sum / classes
  }
  if (method === 'matrix')
    for (let c = 0; c < classes; c++)
      for (let d = 0; d < classes; d++) if (c !== d) slope[c * classes + d]! += ridge * at.weights[c * classes + d]!
  return slope
}

/**
 * W and b with the least mean negative log-likelihood, by accelerated gradients (Nesterov 1983) with restarts from the identity. The loss is convex; for
 * classes that are told apart perfectly it has no minimum, and what 5,000 steps reach is given.
 */
export function fitScaling(
  logits: Float64Array,
  labels: ArrayLike<number>,
  classes: number,
  method: Options['method'],
  ridge = 0,
  steps = 5000,
): Scaled {
  const size = classes * (classes + 1)
  const split = (theta: Float64Array): Scaled => ({
    weights: theta.subarray(0, classes * classes),
    bias: theta.subarray(classes * classes),
  })
  let theta = new Float64Array(size)
  for (let c = 0; c < classes; c++) theta[c * (classes + 1)] = 1
  // The softmax's second derivative is at most ½.
  const curvature = logits.reduce((sum, v) => sum + v * v, 0) / labels.length / (method === 'temperature' ? classes : 1) + 1
  const rate = 1 / (curvature / 2 + ridge)
  let ahead = theta
  let momentum = 1
  for (let step = 0; step < steps; step++) {
    const slope = slopeOf(logits, labels, split(ahead), method, ridge)
    const next = ahead.map((v, i) => v - rate * slope[i]!)
    if (slope.reduce((most, v) => Math.max(most, Math.abs(v)), 0) < 1e-9) return split(next)
    const turned = slope.reduce((sum, v, i) => sum + v * (next[i]! - theta[i]!), 0) > 0
    const faster = turned ? 1 : (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2
    const push = turned ? 0 : (momentum - 1) / faster
    const before = theta
    theta = next
    ahead = next.map((v, i) => v + push * (v - before[i]!))
    momentum = faster
  }
  return split(theta)
}

/**
 * Accuracy, negative log-likelihood (nats) and calibration error before and after logits are scaled, fitted on other rows than are evaluated.
 * Throws `OCK-EVAL-001` … `-005`, `-008`.
 */
export const scaling = ({ method, fit, split, ridge }: Options, { dataset }: { readonly dataset: Dataset }): Evaluation => {
  if (fit === split || fit === 'train')
    throw new InputError({
      code: 'OCK-EVAL-008',
      what: `the split ${fit} is ${fit === split ? 'evaluated' : 'trained on'}, and a scaling fitted on it says nothing about new rows`,
      where: 'fit',
      remedy: 'fit it on rows that are neither trained on nor evaluated, for instance validation',
    })
  checkSplits(dataset, [fit], 'fit')
  checkSplits(dataset, [split], 'split')
  return {
    async evaluate(posterior, problem) {
      const held = labelled(await predictionsOf(posterior, problem.dataset, fit), fit)
      const fresh = labelled(await predictionsOf(posterior, problem.dataset, split), split)
      const { classes } = held
      const found = fitScaling(centredLogs(held.probabilities, classes), held.labels, classes, method, ridge)
      const after = { ...fresh, probabilities: scaledProbabilities(centredLogs(fresh.probabilities, classes), found) }
      const [was, is] = [judged(fresh), judged(after)]
      const diagonal = found.weights.filter((_, at) => at % (classes + 1) === 0)
      return {
        values: {
          ...Object.fromEntries(Object.entries(was.values).map(([name, v]) => [`${split}/${name}-before`, v])),
          ...Object.fromEntries(Object.entries(is.values).map(([name, v]) => [`${split}/${name}-after`, v])),
          ...(method === 'temperature' && { 'scaling/temperature': 1 / diagonal[0]! }),
        },
        tables: {
          [`${split}/scaling`]: Array.from(diagonal, (weight, c) => ({
            class: problem.dataset.meta.classes?.[c] ?? String(c),
            weight,
            bias: found.bias[c]!,
          })),
        },
        figures: {
          [`${split}/reliability-before`]: reliabilityDiagram(was.bins),
          [`${split}/reliability-after`]: reliabilityDiagram(is.bins),
        },
      }
    },
  }
}

function judged({ probabilities, classes, labels }: Categorical & { readonly labels: Int32Array }) {
  const { predicted, confidence } = decisions(probabilities, classes)
  const correct = correctness(predicted, labels)
  const bins = reliability(confidence, correct)
  return {
    bins,
    values: { accuracy: mean(correct), nll: nll(probabilities, classes, labels), ece: expectedCalibrationError(bins) },
  }
}

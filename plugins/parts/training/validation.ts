import type { Prediction, Problem, Value, Variables } from 'ockham'
import { hostKey } from 'ockham'
import { batches, inputsOf } from './batches.js'
import type { Predictor } from './predict.js'

/** Smallest positive normal float32: a probability that underflowed still has a finite logarithm. */
const tiny = 1.1754943508222875e-38

interface Score {
  readonly nll: number
  readonly second: number
}

/** Sums of negative log-likelihood (nats) and of hits, or of squared errors, over the first `rows` rows. */
function score(prediction: Prediction, y: Value, rows: number): Score {
  let nll = 0
  let second = 0
  if (prediction.kind === 'categorical') {
    const { data, shape } = prediction.probabilities
    const classes = shape[1]!
    for (let i = 0; i < rows; i++) {
      const row = data.subarray(i * classes, (i + 1) * classes)
      const label = y.data[i]!
      nll -= Math.log(Math.max(row[label]!, tiny))
      if (row.every((p) => p <= row[label]!)) second++
    }
    return { nll, second }
  }
  const { mean, variance } = prediction
  const outputs = mean.data.length / mean.shape[0]!
  for (let i = 0; i < rows * outputs; i++) {
    const error = y.data[i]! - mean.data[i]!
    nll += 0.5 * ((error * error) / variance.data[i]! + Math.log(2 * Math.PI * variance.data[i]!))
    second += (error * error) / outputs
  }
  return { nll, second }
}

/** Mean negative log-likelihood (nats an example), with accuracy or root mean squared error, of weights on a split. */
export async function validate(
  problem: Problem,
  predict: Predictor,
  vars: Variables<Value>,
  split: string,
  size = 256,
): Promise<Record<string, number>> {
  const count = problem.dataset.meta.splits[split]!
  const read = batches(problem.dataset, split, { size })
  const inOrder = hostKey(0)
  let nll = 0
  let second = 0
  let categorical = true
  for (let step = 0; step * size < count; step++) {
    const feed = await read(step, inOrder)
    const prediction = await predict(vars, inputsOf(feed))
    const sums = score(prediction, feed['y']!, Math.min(size, count - step * size))
    nll += sums.nll
    second += sums.second
    categorical = prediction.kind === 'categorical'
  }
  return {
    [`${split}/nll`]: nll / count,
    ...(categorical ? { [`${split}/accuracy`]: second / count } : { [`${split}/rmse`]: Math.sqrt(second / count) }),
  }
}

import type { Prediction, Value } from 'ockham'

/** The mixture of equally likely predictions: probabilities are averaged; variances are averaged and the spread of the means is added. */
export function average(predictions: readonly Prediction[]): Prediction {
  const first = predictions[0]!
  if (first.kind === 'categorical') {
    const each = predictions.map((p) => (p as typeof first).probabilities)
    return { kind: 'categorical', probabilities: mean(each), members: stack(each) }
  }
  const all = predictions as readonly (typeof first)[]
  const means = all.map((p) => p.mean)
  const centre = mean(means)
  const spread = mean(means.map((m) => float32(m.shape, (i) => (m.data[i]! - centre.data[i]!) * (m.data[i]! - centre.data[i]!))))
  const within = mean(all.map((p) => p.variance))
  const noises = all.flatMap((p) => (p.noise ? [p.noise] : []))
  return {
    kind: 'normal',
    mean: centre,
    variance: float32(centre.shape, (i) => within.data[i]! + spread.data[i]!),
    ...(noises.length === all.length && { noise: mean(noises) }),
    members: stack(means),
    memberVariance: stack(all.map((p) => p.variance)),
  }
}

function float32(shape: readonly number[], f: (i: number) => number): Value {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1))
  for (let i = 0; i < data.length; i++) data[i] = f(i)
  return { shape, dtype: 'float32', data }
}

const mean = (values: readonly Value[]): Value =>
  float32(values[0]!.shape, (i) => values.reduce((sum, v) => sum + v.data[i]!, 0) / values.length)

/** Members along a new first axis, [S, n, …]. */
function stack(values: readonly Value[]): Value {
  const [{ shape, data }] = values as [Value]
  return float32([values.length, ...shape], (i) => values[Math.floor(i / data.length)]!.data[i % data.length]!)
}

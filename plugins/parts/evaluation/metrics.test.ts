import { hostKey } from 'ockham'
import { describe, expect, it } from 'vitest'
import {
  adaptiveCalibrationError,
  auroc,
  averagePrecision,
  brierScores,
  correctness,
  decisions,
  decomposition,
  energies,
  entropy,
  expectedCalibrationError,
  falsePositiveRate,
  centredLogs,
  fitScaling,
  generalisedRiskArea,
  mahalanobis,
  maximumCalibrationError,
  negativeMaxLogits,
  normalCdf,
  normalCrps,
  normalQuantile,
  riskCoverageArea,
  riskCoverageTrapezoid,
  risks,
  rmsCalibrationError,
  scaledProbabilities,
  mean,
  nll,
  normalNll,
  quantile,
  reliability,
  rmse,
  selectiveArea,
  selectiveCurve,
  uncertainty,
  type Edges,
} from './index.js'

/** Two-class probabilities of class 1 with the confidences given, and labels that make them right or wrong. */
const twoClass = (confidence: readonly number[], correct: readonly number[]) => ({
  probabilities: confidence.flatMap((c) => [1 - c, c]),
  labels: correct,
})

const ece = (confidence: readonly number[], correct: readonly number[], bins: number, edges?: Edges) =>
  expectedCalibrationError(reliability(confidence, correct, bins, edges))

const sel = (probabilities: readonly number[], correct: readonly number[]) =>
  selectiveArea(selectiveCurve(entropy(probabilities, 2), correct))

describe('vectors of the brief', () => {
  const b = [0.52, 0.58, 0.63, 0.68, 0.74, 0.79, 0.83, 0.88, 0.94, 0.98]
  const right = [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]

  it('(a) all right gives 99.9 and all wrong 0', () => {
    const { probabilities } = twoClass(b, right)
    expect(
      sel(
        probabilities,
        b.map(() => 1),
      ),
    ).toBeCloseTo(99.9, 10)
    expect(
      sel(
        probabilities,
        b.map(() => 0),
      ),
    ).toBe(0)
  })

  it('(b) ten two-class predictions', () => {
    const { probabilities, labels } = twoClass(b, right)
    const { predicted, confidence } = decisions(probabilities, 2)
    expect([...confidence]).toEqual(b)
    expect(mean(correctness(predicted, labels))).toBe(0.8)
    expect(ece(b, right, 10)).toBeCloseTo(0.263, 12)
    expect(ece(b, right, 15)).toBeCloseTo(0.263, 12)
    expect(nll(probabilities, 2, labels)).toBeCloseTo(0.338223617, 9)
    expect(sel(probabilities, right)).toBeCloseTo(98.5777777778, 9)
  })

  it('(c) bins of another width', () => {
    expect(ece([0.61, 0.65, 0.69], [1, 0, 1], 10)).toBeCloseTo(0.0166667, 7)
    expect(ece([0.61, 0.65, 0.69], [1, 0, 1], 15)).toBeCloseTo(0.19, 12)
  })

  it('(d) the most confident wrong', () => {
    const confidence = [0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99]
    const correct = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]
    expect(sel(twoClass(confidence, correct).probabilities, correct)).toBeCloseTo(48.1626984, 7)
  })

  it('(e) ties count one half', () => {
    expect(auroc([0.2, 0.5, 0.6], [0.1, 0.2, 0.2, 0.4])).toBeCloseTo(0.8333333, 7)
  })

  it('(f) entropy splits into its parts', () => {
    const members = entropy([0.9, 0.1, 0.1, 0.9], 2)
    const expectedEntropy = Float64Array.of((members[0]! + members[1]!) / 2)
    const predictions = { kind: 'categorical', rows: 1, classes: 2, probabilities: Float64Array.of(0.5, 0.5), expectedEntropy } as const
    const { total, expected, mutualInformation } = decomposition(predictions)
    expect(total[0]).toBeCloseTo(0.693147, 6)
    expect(expected[0]).toBeCloseTo(0.325083, 6)
    expect(mutualInformation[0]).toBeCloseTo(0.368064, 6)
    expect(uncertainty(predictions, 'mutual-information')).toEqual(mutualInformation)
    expect(uncertainty(predictions, 'max-probability')[0]).toBe(0.5)
  })
})

it('splits the entropy of three members: brief section 7', () => {
  const rows = [0.7, 0.2, 0.1, 0.4, 0.5, 0.1, 0.1, 0.1, 0.8]
  const each = entropy(rows, 3)
  const mixed = [0, 1, 2].map((c) => (rows[c]! + rows[3 + c]! + rows[6 + c]!) / 3)
  const { total, expected, mutualInformation } = decomposition({
    kind: 'categorical',
    rows: 1,
    classes: 3,
    probabilities: Float64Array.from(mixed),
    expectedEntropy: Float64Array.of((each[0]! + each[1]! + each[2]!) / 3),
  })
  expect(total[0]).toBeCloseTo(1.085188613, 9)
  expect(expected[0]).toBeCloseTo(0.7947329348, 9)
  expect(mutualInformation[0]).toBeCloseTo(0.2904556781, 9)
})

describe('bin edges', () => {
  it('holds every right edge where it belongs, rounding or not', () => {
    for (const bins of [7, 10, 15, 49])
      for (let b = 1; b <= bins; b++) {
        const at = reliability([b / bins], [1], bins).findIndex((x) => x.count > 0)
        expect(at).toBe(b - 1)
        const left = reliability([(b - 1) / bins], [1], bins, 'left').findIndex((x) => x.count > 0)
        expect(left).toBe(b - 1)
      }
  })

  it('counts 0 in the first bin, and drops 1 under left edges', () => {
    expect(reliability([0, 1], [0, 1], 15).map((b) => b.count)).toEqual([1, ...new Array<number>(13).fill(0), 1])
    const left = reliability([0, 1, 0.55], [0, 1, 1], 10, 'left')
    expect(left.reduce((n, b) => n + b.count, 0)).toBe(2)
    // 0 is right about itself; 0.55 is off by 0.45, and half of what is counted.
    expect(expectedCalibrationError(left)).toBeCloseTo(0.225, 12)
  })
})

describe('rankings', () => {
  const draw = (seed: number, n: number) =>
    Float64Array.from({ length: n }, (_, i) => Math.round(10 * Math.abs(Math.sin(seed + 12.9898 * i))) / 10)

  it('agrees with counting all pairs', () => {
    const [p, n] = [draw(1, 37), draw(2, 53)]
    let won = 0
    for (const a of p) for (const b of n) won += a > b ? 1 : a === b ? 0.5 : 0
    expect(auroc(p, n)).toBeCloseTo(won / (37 * 53), 12)
    expect(auroc(n, p)).toBeCloseTo(1 - won / (37 * 53), 12)
  })

  it('knows the extremes', () => {
    expect(auroc([2, 3], [0, 1])).toBe(1)
    expect(auroc([1, 1, 1], [1, 1])).toBe(0.5)
    expect(falsePositiveRate([2, 3], [0, 1])).toBe(0)
    expect(averagePrecision([2, 3], [0, 1])).toBe(1)
    // One threshold finds all: precision is the share of positives.
    expect(averagePrecision([1, 1, 1], [1])).toBe(0.75)
  })

  it('reads precision and the false positive rate off a worked ranking', () => {
    // Descending: + − + − +, precisions at the positives 1, 2/3, 3/5.
    expect(averagePrecision([5, 3, 1], [4, 2])).toBeCloseTo((1 + 2 / 3 + 3 / 5) / 3, 12)
    expect(falsePositiveRate([5, 3, 1], [4, 2], 0.5)).toBe(0.5)
    expect(falsePositiveRate([5, 3, 1], [4, 2])).toBe(1)
    const twenty = Array.from({ length: 20 }, (_, i) => i + 1)
    // 19 of 20 positives, all but the lowest, are enough for 95 percent.
    expect(falsePositiveRate(twenty, [1.5, 0.5])).toBe(0)
  })
})

describe('scores', () => {
  it('gives Brier scores, root mean squared error and normal log-likelihood', () => {
    expect([...brierScores([0.7, 0.2, 0.1], 3, [0])].map((x) => Number(x.toFixed(12)))).toEqual([0.14])
    expect(rmse([0, 0], [3, 4])).toBeCloseTo(Math.sqrt(12.5), 12)
    expect(normalNll([0], [4], [2])).toBeCloseTo(0.5 * Math.log(2 * Math.PI * 4) + 0.5, 12)
    expect(normalNll([0, 0], [1, 1], [0, 0], 2)).toBeCloseTo(Math.log(2 * Math.PI), 12)
  })

  it('stays finite where float32 rounds a probability to 0', () => {
    expect(nll([1, 0], 2, [1])).toBeCloseTo(149 * Math.LN2, 9)
    expect([...entropy([1, 0], 2)]).toEqual([0])
  })

  it('interpolates quantiles linearly', () => {
    expect(quantile([10, 20, 40], 0.75)).toBe(30)
    expect(quantile([10], 0.3)).toBe(10)
  })

  it('refuses the most uncertain first, ties together', () => {
    const curve = selectiveCurve([0, 0, 1, 1], [1, 1, 0, 0])
    expect(curve[0]).toEqual({ coverage: 100, accuracy: 0.5 })
    expect(curve.at(-1)).toEqual({ coverage: 0.1, accuracy: 1 })
  })
})

describe('golden numbers of the Bayesian suite, section 11.1', () => {
  const confidence = [0.95, 0.9, 0.85, 0.8, 0.72, 0.66, 0.61, 0.55, 0.52, 0.35]
  const correct = [1, 1, 0, 1, 1, 0, 1, 0, 1, 0]

  it.each([
    [5, 0.133, 0.35, 0.1730052986],
    [10, 0.197, 0.375, 0.2367171308],
    [15, 0.313, 0.85, 0.3930966802],
  ])('%d bins that hold their upper edge', (bins, expected, most, root) => {
    const table = reliability(confidence, correct, bins)
    expect(expectedCalibrationError(table)).toBeCloseTo(expected, 10)
    expect(maximumCalibrationError(table)).toBeCloseTo(most, 10)
    expect(rmsCalibrationError(table)).toBeCloseTo(root, 10)
  })

  it('bins that hold their lower edge, and bins of equal counts', () => {
    expect(ece(confidence, correct, 5, 'left')).toBeCloseTo(0.093, 10)
    expect(ece(confidence, correct, 10, 'left')).toBeCloseTo(0.177, 10)
    expect(adaptiveCalibrationError(confidence, correct, 5)).toBeCloseTo(0.147, 10)
  })

  it('four rows', () => {
    const p = [0.7, 0.2, 0.1, 0.1, 0.6, 0.3, 0.3, 0.3, 0.4, 0.25, 0.5, 0.25]
    const labels = [0, 1, 0, 2]
    expect(mean(brierScores(p, 3, labels))).toBeCloseTo(0.50375, 10)
    expect(nll(p, 3, labels)).toBeCloseTo(0.8644419333, 10)
    const { predicted, confidence: sure } = decisions(p, 3)
    const right = correctness(predicted, labels)
    expect(mean(right)).toBe(0.5)
    // By confidence .7 .6 .5 .4: right, right, wrong, wrong.
    const unsure = sure.map((c) => -c)
    expect([...risks(unsure, right)]).toEqual([0, 0, expect.closeTo(1 / 3, 10), 0.5])
  })

  it('areas under risk and coverage', () => {
    const risk = risks(
      confidence.map((c) => -c),
      correct,
    )
    expect(riskCoverageArea(risk)).toBeCloseTo(0.2510714286, 10)
    expect(riskCoverageTrapezoid(risk)).toBeCloseTo(0.2567460317, 10)
    expect(generalisedRiskArea(risk)).toBeCloseTo(0.1666666667, 10)
  })

  it('ranking, and a normal prediction', () => {
    const [inside, outside] = [
      [0.1, 0.2, 0.25, 0.4, 0.6],
      [0.3, 0.5, 0.7, 0.9],
    ]
    expect(auroc(outside, inside)).toBeCloseTo(0.85, 12)
    expect(falsePositiveRate(outside, inside, 1)).toBeCloseTo(0.4, 12)
    expect(normalCrps([0], [1], [0.5])).toBeCloseTo(0.3314035313, 10)
    expect(normalCrps([1], [4], [2])).toBeCloseTo(2 * 0.3314035313, 9)
    expect(normalNll([0], [1], [0.5])).toBeCloseTo(1.0439385332, 10)
    expect(normalCdf(1.959963984540054)).toBeCloseTo(0.975, 14)
    expect(normalQuantile(0.95)).toBeCloseTo(1.6448536269514722, 11)
    expect([normalCdf(0), normalCdf(-20), normalCdf(20)]).toEqual([0.5, 0, 1])
  })
})

describe('scaling', () => {
  const logits = [2, 0, 0, 1, 0, -1, 0, 3, 0, 0.5, 0.4, 0, 2, 1, 0]
  const labels = [0, 0, 1, 2, 1]
  const p = scaledProbabilities(Float64Array.from(logits), {
    weights: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
    bias: new Float64Array(3),
  })
  const logs = centredLogs(p, 3)

  it('finds the golden temperature', () => {
    expect(nll(p, 3, labels)).toBeCloseTo(0.7141014615, 9)
    const found = fitScaling(logs, labels, 3, 'temperature')
    expect(1 / found.weights[0]!).toBeCloseTo(0.9132745, 6)
    expect([...found.bias]).toEqual([0, 0, 0])
    expect(nll(scaledProbabilities(logs, found), 3, labels)).toBeCloseTo(0.7122082286, 9)
  })

  it('finds the vector and the matrix from which labels came', () => {
    const n = 3000
    const key = hostKey(3)
    const z = Float64Array.from(key.normal([3 * n]).data)
    const u = key.fold('u').uniform([n]).data
    const weights = Float64Array.of(2, 0, 0, 0, 0.5, 0, 0, 0, 1)
    const truth = scaledProbabilities(z, { weights, bias: Float64Array.of(0.5, 0, -0.5) })
    const y = Array.from({ length: n }, (_, i) => (u[i]! < truth[3 * i]! ? 0 : u[i]! < truth[3 * i]! + truth[3 * i + 1]! ? 1 : 2))
    const losses = (['temperature', 'vector', 'matrix'] as const).map((method) => {
      const found = fitScaling(z, y, 3, method)
      if (method === 'vector') expect([...found.weights].map((w) => Math.round(4 * w) / 4)).toEqual([...weights])
      return nll(scaledProbabilities(z, found), 3, y)
    })
    expect(losses[1]).toBeLessThan(losses[0]!)
    expect(losses[2]).toBeLessThanOrEqual(losses[1]! + 1e-9)
    expect(losses[1]).toBeLessThanOrEqual(nll(truth, 3, y))
  })
})

describe('what is not in the probabilities', () => {
  it('energies and largest logits, however large', () => {
    expect([...energies([0, 0, 1000, 1000], 2)]).toEqual([expect.closeTo(-Math.LN2, 12), expect.closeTo(-1000 - Math.LN2, 9)])
    expect([...negativeMaxLogits([1, 3, -2, -5], 2)]).toEqual([-3, 2])
  })

  it('distances to the nearest class, in units of its spread', () => {
    // Class 0 at (±1, ±2), class 1 the same around (10, 0): covariance diag(1, 4).
    const around = (x: number) => [x + 1, 2, x - 1, 2, x + 1, -2, x - 1, -2]
    const features = Float64Array.from([...around(0), ...around(10)])
    const distance = mahalanobis({ features, labels: [0, 0, 0, 0, 1, 1, 1, 1] }, 2)
    expect([...distance(Float64Array.of(0, 0, 0, 4, 3, 0, 9, 2))]).toEqual([0, 4, 9, 2].map((v) => expect.closeTo(v, 8) as unknown))
  })
})

it('ranks no NaN, and nothing against nothing', () => {
  expect(() => auroc([0.1, NaN], [0.2])).toThrow(/OCK-EVAL-006 at positive, row 1/)
  expect(() => auroc([0.1], [NaN])).toThrow(/OCK-EVAL-006 at negative, row 0/)
  expect(() => falsePositiveRate([NaN], [0.1])).toThrow('OCK-EVAL-006')
  expect(() => averagePrecision([0.1], [])).toThrow('OCK-EVAL-006')
  expect(auroc([Infinity], [-Infinity, Infinity])).toBe(0.75)
})

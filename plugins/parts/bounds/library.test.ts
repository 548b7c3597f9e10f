import { hostKey, InputError } from 'ockham'
import { describe, expect, it } from 'vitest'
import {
  alphaGrid,
  bound,
  catoni,
  catoniMap,
  catoniOptimised,
  choiceBits,
  conformalRiskControl,
  conformalThreshold,
  divided,
  dyadicAlphas,
  gaussianKl,
  jointConfidence,
  logBinomial,
  mcAllester,
  mcAllester1999,
  natsOf,
  occamHoeffding,
  occamKl,
  occamRealisable,
  optimalAlpha,
  pacBayesKl,
  prefixLength,
  quadratic,
  randomTopK,
  rootMeanSquareRange,
  sampleCompression,
  scalePrice,
  smoothedLoss,
  smoothedMean,
  smoothedRange,
  thiemann,
  topKErrors,
  unionPrice,
  unitLosses,
  windows,
} from './index.js'

const gpt2 = 50257

describe('prediction smoothing', () => {
  it.each([
    [1e-4, 28.904605, 28.904749, 0.000144],
    [1e-3, 25.581378, 25.582821, 0.001443],
    [5e-3, 23.253662, 23.260893, 0.007231],
    [0.01, 22.246394, 22.260893, 0.014499],
    [0.05, 19.864966, 19.938965, 0.073999],
    [0.1, 18.786965, 18.938965, 0.152],
    [0.25, 17.202009, 17.617037, 0.415028],
    [0.5, 15.617066, 16.617037, 0.999971],
    [1, 0, 15.617037, 15.617037],
  ])('T1: at α = %d the loss of GPT-2 is in an interval of width %d', (alpha, width, high, low) => {
    const range = smoothedRange(alpha, gpt2)
    expect(range.width).toBeCloseTo(width, 6)
    expect(range.high).toBeCloseTo(high, 6)
    expect(range.low).toBeCloseTo(low, 6)
    expect(range.high - range.low).toBeCloseTo(range.width, 10)
  })

  it.each([
    [27, 7.930737],
    [65, 9.194757],
    [256, 11.170551],
    [512, 12.170238],
    [32000, 18.135714],
  ])('T1: the width at α = 0.1 for %i symbols is %d', (vocabulary, width) => {
    expect(smoothedRange(0.1, vocabulary).width).toBeCloseTo(width, 6)
  })

  it('T2: a uniform model costs log₂ V at every α, and its bound tends to that', () => {
    for (const alpha of alphaGrid) expect(smoothedLoss(1 / 27, alpha, 27)).toBeCloseTo(Math.log2(27), 12)
    const { alpha, value } = optimalAlpha([1 / 27, 1 / 27], 27, 0.1)
    expect([alpha, value]).toEqual([1, Math.log2(27)])
  })

  it('T3: finds the best α between the grid', () => {
    const p = [0.5, 0.01, 1e-6]
    const slack = 0.0876
    const wanted = [11.72304, 11.424695, 11.190226, 11.067009, 10.661366, 10.428455, 10.136027, 10.09713]
    alphaGrid.forEach((alpha, i) =>
      expect(smoothedMean(p, alpha, gpt2) + slack * smoothedRange(alpha, gpt2).width).toBeCloseTo(wanted[i]!, 6),
    )
    const { alpha, value } = optimalAlpha(p, gpt2, slack)
    expect(alpha).toBeCloseTo(0.397813, 6)
    expect(value).toBeCloseTo(10.069266, 6)
    const left = p.reduce((sum, q) => sum + (q - 1 / gpt2) / ((1 - alpha) * q + alpha / gpt2), 0) / 3
    expect(left).toBeCloseTo(0.365669, 5)
    expect(slack * ((gpt2 - 1) / (gpt2 - (gpt2 - 1) * alpha) + 1 / alpha)).toBeCloseTo(left, 5)
  })

  it('T15: root mean square of widths that change', () => {
    const alphas = [0.5, 0.1, 0.01]
    expect(rootMeanSquareRange(alphas, gpt2)).toBeCloseTo(19.076555, 6)
    const widths = alphas.map((alpha) => smoothedRange(alpha, gpt2).width)
    expect(widths.reduce((a, b) => a + b) / 3).toBeCloseTo(18.883475, 6)
    expect(Math.max(...widths)).toBeCloseTo(22.246394, 6)
  })

  it('prices every odd / 2^b once, within one unit of failure probability', () => {
    const all = dyadicAlphas(10)
    expect(new Set(all.map(({ alpha }) => alpha)).size).toBe(all.length)
    expect(all.length).toBe(2 ** 10 - 1)
    expect(all.reduce((sum, { bits }) => sum + 2 ** -bits, 0)).toBeLessThan(1)
  })
})

describe('Occam', () => {
  it.each([
    [1000, 1019.93157],
    [10_000, 10_026.57542],
    [131_072, 131_106],
    [1_000_000, 1_000_039.86314],
  ])('T4: %i bits need a prefix-free description of %d', (bits, length) => {
    expect(prefixLength(bits, 0, 'reference')).toBeCloseTo(length, 5)
    expect(prefixLength(bits, 3)).toBeCloseTo(length + 4, 5)
  })

  it('T5: bounds of a toy and of GPT-2', () => {
    expect(occamHoeffding(0.5, natsOf(100), 1000, 0.05, 2)).toBeCloseTo(0.880291, 6)
    expect(occamHoeffding(0.1, natsOf(prefixLength(1000, 0, 'reference')), 10_000, 0.05)).toBeCloseTo(0.2884089, 7)
  })

  const documents = 8_009_762
  const b = (bits: number, risk: number, alpha: number, units?: number, method: 'hoeffding' | 'kl' = 'hoeffding') =>
    bound({
      risk,
      n: documents,
      delta: 0.05,
      nats: natsOf(bits),
      range: smoothedRange(alpha, gpt2),
      method,
      ...(units !== undefined && { subsample: { units } }),
    })

  it('T5: with all documents and with ten thousand draws', () => {
    expect(prefixLength(131_072, 8, 'reference')).toBe(131_114)
    expect(b(131_114, 10.6, 0.1).value).toBeCloseTo(12.015065, 6)
    expect(b(131_114, 10.6, 0.1, 10_000).value).toBeCloseTo(12.245093, 6)
    expect(b(131_114, 10.6, 0.5).value).toBeCloseTo(11.776303, 6)
    expect(b(131_114, 10.6, 0.5, 10_000).value).toBeCloseTo(11.967519, 6)
    expect(b(16_420, 11, 0.1).value).toBeCloseTo(11.500828, 6)
    expect(b(16_420, 11, 0.1, 10_000).value).toBeCloseTo(11.730951, 6)
    const top = (bits: number) =>
      bound({ risk: 0.915, n: documents, delta: 0.05, nats: natsOf(bits), method: 'hoeffding', subsample: { units: 10_000 } }).value
    expect(top(131_114)).toBeCloseTo(1.002566, 6)
    expect(top(16_420)).toBeCloseTo(0.953907, 6)
  })

  it('T6: how δ is divided, and what each root is', () => {
    const { deltas, terms } = bound({
      risk: 0,
      n: documents,
      delta: 0.05,
      nats: natsOf(131_114),
      method: 'hoeffding',
      subsample: { units: 10_000 },
    })
    expect(deltas.generalisation).toBeCloseTo(6.234599e-5, 11)
    expect(deltas.sampling).toBeCloseTo(0.04993765, 8)
    expect(terms.complexity).toBeCloseTo(0.07532438, 7)
    expect(terms.sampling).toBeCloseTo(0.01224128, 8)
    const paid = bound({ risk: 0, n: documents, delta: 0.05, method: 'hoeffding', subsample: { units: 10_000, nats: unionPrice(8) } })
    expect(paid.terms.sampling).toBeCloseTo(0.01593176, 8)
    const sum = (share: number) =>
      bound({ risk: 0, n: documents, delta: 0.05, nats: natsOf(131_114), method: 'hoeffding', subsample: { units: 10_000, share } }).value
    expect(sum(2.03e-4)).toBeCloseTo(0.0875643, 7)
    expect(sum(0.5)).toBeCloseTo(0.0889029, 7)
  })

  it('T14: the kl form is tighter, in one stage and in two', () => {
    expect(b(131_114, 10.6, 0.1, undefined, 'kl').value).toBeCloseTo(11.98238, 6)
    const two = b(131_114, 10.6, 0.1, 10_000, 'kl')
    expect(two.terms.risk + two.terms.sampling).toBeCloseTo(10.828067, 6)
    expect(two.value).toBeCloseTo(12.202808, 6)
  })

  it.each([
    [0.05, 4.378186],
    [0.1, 4.293568],
    [0.25, 4.169157],
    [0.5, 4.044747],
  ])('T15: tokens of a large model at α = %d', (alpha, wanted) => {
    const { value } = bound({
      risk: 2.87,
      n: 1.2e12,
      delta: 0.05,
      nats: natsOf(1.9e9 * 8),
      range: smoothedRange(alpha, 32_000),
      method: 'hoeffding',
      subsample: { units: 10_000 },
    })
    expect(value).toBeCloseTo(wanted, 5)
  })

  it('T15: the first root of that model', () => {
    const { terms } = bound({ risk: 0, n: 1.2e12, delta: 0.05, nats: natsOf(1.9e9 * 8), method: 'hoeffding', subsample: { units: 10_000 } })
    expect(terms.complexity).toBeCloseTo(0.0662566, 7)
  })

  it('T17: what nothing describes is bounded by no less than what it costs, and an untrained model is vacuous', () => {
    // A guess at ten classes errs on nine of ten; whatever a sample says, its bound is at least the rate seen there.
    for (const method of ['kl', 'hoeffding', 'catoni'] as const)
      for (const n of [20, 1000, 60_000]) expect(bound({ risk: 0.9, n, delta: 0.05, nats: 0, method }).value).toBeGreaterThan(0.9)
  })

  it('realisable and finite classes', () => {
    expect(occamRealisable(Math.log(8), 100, 0.05)).toBeCloseTo(Math.log(160) / 100, 12)
    expect(occamKl(0, 0, 100, 0.05)).toBeCloseTo(1 - 0.05 ** 0.01, 10)
  })

  it('T17: moves as it must', () => {
    const at = (o: Partial<Parameters<typeof bound>[0]>) => bound({ risk: 0.2, n: 5000, delta: 0.05, nats: 300, ...o }).value
    for (const method of ['kl', 'hoeffding', 'catoni'] as const) {
      const base = at({ method })
      expect(at({ method, nats: 400 })).toBeGreaterThan(base)
      expect(at({ method, risk: 0.25 })).toBeGreaterThan(base)
      expect(at({ method, delta: 0.01 })).toBeGreaterThan(base)
      expect(at({ method, n: 8000 })).toBeLessThan(base)
      const drawn = at({ method, subsample: { units: 500 } })
      expect(drawn).toBeGreaterThan(base)
      expect(at({ method, subsample: { units: 2000 } })).toBeLessThan(drawn)
    }
    expect(at({ method: 'kl' })).toBeLessThanOrEqual(at({ method: 'hoeffding' }))
    expect(() => at({ n: 0 })).toThrow(InputError)
  })
})

describe('PAC-Bayes', () => {
  it.each([
    [50_000, 13.624, 8490.0942, 35.1236],
    [50_000, 29.996, 3097.1718, 44.3663],
    [50_000, 18.542, 5857.0196, 37.0623],
    [50_000, 44.712, 1681.3939, 55.5987],
    [50_000, 11.006, 11407.9487, 35.6005],
    [50_000, 63.826, 11329.9288, 86.2415],
    [50_000, 53.42, 16760.0606, 82.9405],
    [50_000, 45.886, 22492.9107, 81.2918],
    [50_000, 45.07, 4656.3548, 62.8626],
    [50_000, 32.16, 8260.0148, 55.9651],
    [50_000, 28.522, 11573.9905, 56.5832],
    [12_000, 32.05, 3800.7661, 64.8223],
    [12_000, 42.9583, 2248.2405, 67.956],
    [12_000, 66, 1053.0252, 81.0185],
  ])('T12: %i examples, %d percent training errors and %d bits give the published %d percent', (n, errors, bits, wanted) => {
    const { value } = catoniOptimised(errors / 100, natsOf(bits - 2), n, 0.05)
    expect(100 * value).toBeCloseTo(wanted, errors === 42.9583 ? 3 : 4)
  })

  it('T12: other bounds on the first row', () => {
    const [mean, n, kl] = [0.13624, 50_000, natsOf(8488.0942)]
    expect(pacBayesKl(mean, kl, n, 0.05)).toBeCloseTo(0.350861, 6)
    expect(occamKl(mean, kl, n, 0.05)).toBeCloseTo(0.350731, 6)
    expect(occamHoeffding(mean, kl, n, 0.05)).toBeCloseTo(0.378861, 6)
    expect(mcAllester1999(mean, kl, n, 0.05)).toBeCloseTo(0.379085, 6)
    expect(mcAllester(mean, kl, n, 0.05)).toBeCloseTo(mean + Math.sqrt((kl + Math.log((2 * Math.sqrt(n)) / 0.05)) / (2 * n)), 12)
  })

  it('T11: Catoni’s map', () => {
    expect(catoniMap(1, 0.2)).toBeCloseTo(0.2867637, 7)
    expect(catoniMap(1e-6, 0.2)).toBeCloseTo(0.2000001, 7)
    expect(catoniMap(5, 0.2)).toBeCloseTo(0.6364087, 6)
    expect(catoniMap(0, 0.2)).toBe(0.2)
  })

  it('the λ form and the quadratic form lie above the kl form they relax', () => {
    for (const mean of [0.001, 0.05, 0.3])
      for (const kl of [5, 500, 4000]) {
        const exact = pacBayesKl(mean, kl, 30_000, 0.05)
        const form = thiemann(mean, kl, 30_000, 0.05)
        expect(form.value).toBeGreaterThan(exact)
        expect(quadratic(mean, kl, 30_000, 0.05)).toBeGreaterThan(exact)
        // λ is where the derivative vanishes.
        const complexity = kl + Math.log((2 * Math.sqrt(30_000)) / 0.05)
        const at = (l: number) => (mean + complexity / (30_000 * l)) / (1 - l / 2)
        expect(at(form.lambda * 1.001)).toBeGreaterThan(form.value)
        expect(at(form.lambda * 0.999)).toBeGreaterThan(form.value)
        // A γ fixed in advance is cheaper than one chosen.
        const { gamma, value } = catoniOptimised(mean, kl, 30_000, 0.05)
        expect(catoni(mean, kl, 30_000, 0.05, gamma)).toBeLessThan(value)
      }
  })

  it('divergences of Gaussians, and the price of a scale', () => {
    expect(gaussianKl([1, 2], [0.5, 0.5], [0, 0], 2)).toBeCloseTo(0.5 * (2 * 0.25 + 5 / 2 - 2 + 2 * Math.log(4)), 12)
    expect(gaussianKl([1], [3], [1], [3])).toBe(0)
    expect(scalePrice(0.1 * Math.exp(-0.5))).toBeCloseTo(2 * Math.log(50) + Math.log(Math.PI ** 2 / 6), 10)
  })
})

describe('unions', () => {
  it('price choices and share δ', () => {
    expect(unionPrice(8)).toBeCloseTo(Math.log(8), 12)
    expect(unionPrice(2, 1, [0.75, 0.25])).toBeCloseTo(Math.log(4), 12)
    expect(() => unionPrice(2, 0, [0.9, 0.2])).toThrow(/OCK-BOUND-004/)
    expect(choiceBits({ dim: 4, levels: 8 })).toBe(5)
    expect(divided(0.0625, [3, 1])).toEqual([0.046875, 0.015625])
    expect(jointConfidence([{ confidence: 0.975 }, { confidence: 0.98 }])).toBeCloseTo(0.955, 12)
  })

  it('sample compression', () => {
    expect(logBinomial(10, 3)).toBeCloseTo(Math.log(120), 10)
    expect(sampleCompression(0, 1, 100, 0.05)).toBeCloseTo(1 - Math.exp(-(2 * Math.log(100) + Math.log(20)) / 99), 10)
  })
})

describe('text', () => {
  it.each([
    [500, 1],
    [1025, 1],
    [1026, 2],
    [2500, 16],
    [5000, 41],
  ])('T16: a document of %i tokens with its end takes %i passes, each position scored once', (tokens, passes) => {
    const all = windows(tokens - 1)
    expect(all.length).toBe(passes)
    const scored = all.flatMap(({ from, end }) => Array.from({ length: end - from }, (_, i) => from + i))
    expect(scored).toEqual(Array.from({ length: tokens - 1 }, (_, i) => i))
    expect(all.every(({ start, end }) => start >= 0 && end - start <= 1024)).toBe(true)
  })

  it('T16: documents weigh the same, tokens weigh the same', () => {
    const documents = [new Array<number>(10).fill(8), new Array<number>(990).fill(4)]
    const mean = (x: Float64Array) => x.reduce((a, b) => a + b) / x.length
    expect(mean(unitLosses(documents, 'document'))).toBe(6)
    expect(mean(unitLosses(documents, 'token'))).toBeCloseTo(4.04, 12)
    expect(Array.from(unitLosses(documents, 'sequence', 500))).toEqual([4.08, 4])
  })

  it('top-k errors count ties against the model', () => {
    const scores = [0.5, 0.3, 0.2, 0.3, 0.3, 0.4]
    expect(Array.from(topKErrors(scores, 3, [0, 0], 1))).toEqual([0, 1])
    expect(Array.from(topKErrors(scores, 3, [1, 1], 2))).toEqual([0, 1])
    expect(randomTopK(gpt2, 1)).toBeCloseTo(0.99998, 6)
    expect(randomTopK(gpt2, 10)).toBeCloseTo(0.999801, 6)
    expect(randomTopK(gpt2, 100)).toBeCloseTo(0.99801, 6)
  })
})

describe('conformal', () => {
  it('takes the score of the right rank', () => {
    const scores = (n: number) => Array.from({ length: n }, (_, i) => n - i)
    expect(conformalThreshold(scores(99), 0.1)).toBe(90)
    expect(conformalThreshold(scores(1000), 0.1)).toBe(901)
    expect(conformalThreshold(scores(5), 0.1)).toBe(Infinity)
  })

  it('controls the risk of new examples', () => {
    // Loss of threshold λ at score u: 1 where u > λ; calibrated on 50 scores, risk of the next is at most alpha on average.
    const settings = Array.from({ length: 101 }, (_, i) => i / 100)
    const key = hostKey(5)
    let risk = 0
    const rounds = 2000
    for (let r = 0; r < rounds; r++) {
      const u = key.fold(r).uniform([50]).data
      const chosen = conformalRiskControl(
        settings.map((s) => Array.from(u, (x) => (x > s ? 1 : 0))),
        0.2,
      )
      risk += chosen < 0 ? 0 : 1 - settings[chosen]!
    }
    expect(risk / rounds).toBeLessThanOrEqual(0.2)
    expect(risk / rounds).toBeGreaterThan(0.16)
    expect(conformalRiskControl([[1, 1]], 0.1)).toBe(-1)
  })
})

describe('coverage', () => {
  it('T16: of the best of 64 hypotheses, no bound is violated more often than δ allows', () => {
    const [hypotheses, n, delta, rounds] = [64, 80, 0.1, 2000]
    const truth = Array.from({ length: hypotheses }, (_, h) => 0.3 + 0.002 * h)
    const key = hostKey(11)
    const below = { hoeffding: 0, kl: 0, catoni: 0, unpaid: 0 }
    for (let r = 0; r < rounds; r++) {
      const u = key.fold(r).uniform([hypotheses, n]).data
      const means = truth.map((p, h) => {
        let errors = 0
        for (let i = 0; i < n; i++) if (u[h * n + i]! < p) errors++
        return errors / n
      })
      const h = means.indexOf(Math.min(...means))
      const asked = { risk: means[h]!, n, delta, nats: Math.log(hypotheses) }
      for (const method of ['hoeffding', 'kl', 'catoni'] as const) if (bound({ ...asked, method }).value < truth[h]!) below[method]++
      if (bound({ ...asked, nats: 0 }).value < truth[h]!) below.unpaid++
    }
    const most = rounds * (delta + 3 * Math.sqrt((delta * (1 - delta)) / rounds))
    for (const method of ['hoeffding', 'kl', 'catoni'] as const) expect(below[method]).toBeLessThan(most)
    // Without the price of the choice the statement is false, and the simulation shows it.
    expect(below.unpaid).toBeGreaterThan(most)
  })
})

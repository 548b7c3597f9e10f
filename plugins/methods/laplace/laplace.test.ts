import type { Engine, Value } from 'ockham'
import { hostKey } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../parts/training/testing.js'
import { adamAscent, evidence, fixedPoint, type Setting } from './evidence.js'
import { drawOf, type LaplacePosterior } from './posterior.js'
import { gram, matrix, product, transpose } from '../../parts/linalg/index.js'
import { eigenLeading, eigenWhole } from './factor.js'
import { around, close, g1, g2, g30, type Options, repeated, table, wide } from './testing.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})
afterAll(() => engine.dispose())

describe('G1, where a full Laplace approximation is exact', () => {
  it.each([
    ['full', {}],
    ['kfac', {}],
    ['low-rank', {}],
    ['functional', {}],
  ] as const)('%s has the exact evidence and predictive variance', async (structure, more) => {
    const posterior = await around(await g1(engine), engine, { structure, ...more })
    expect(posterior.evidence).toBeCloseTo(-4.2134831472, 4)
    const { mean, covariance } = await posterior.latent({ x: table([[4]]) })
    close(mean.data, [3.7128205128])
    close(covariance.data, [0.3290598291])
    const p = await posterior.predict({ x: table([[4]]) })
    close((p as { variance: Value }).variance.data, [0.5790598291])
  })

  it('diagonal has its own', async () => {
    const posterior = await around(await g1(engine), engine, { structure: 'diagonal' })
    expect(posterior.evidence).toBeCloseTo(-4.6146563835, 4)
    close((await posterior.latent({ x: table([[4]]) })).covariance.data, [0.3314176245])
    close(posterior.gaussian!.precision['head.kernel']!.data, [58])
    close(posterior.gaussian!.precision['head.bias']!.data, [18])
  })

  it.each([
    [0.1, 0.0368975003],
    [10, 2.1296296296],
  ])('likelihood temperature %d', async (likelihoodTemperature, variance) => {
    for (const structure of ['full', 'kfac', 'functional'] as const) {
      const posterior = await around(await g1(engine), engine, { structure, likelihoodTemperature })
      close((await posterior.latent({ x: table([[4]]) })).covariance.data, [variance])
    }
  })

  it('draws by the lower Cholesky factor of the covariance, never its transpose', async () => {
    // Parameters here are slope, then intercept: the factor is that of the reordered covariance.
    const { fitted } = await around(await g1(engine), engine, { structure: 'full' })
    const [s, c, i] = [0.0384615385, -0.0512820513, 0.1239316239]
    const [a, b] = [Math.sqrt(s), c / Math.sqrt(s)]
    const d = Math.sqrt(i - b * b)
    const { params } = await drawOf(fitted, Float64Array.of(1, -0.5), engine)
    close(params['head.kernel']!.data, [0.8923076923 + a])
    close(params['head.bias']!.data, [0.1435897436 + b - 0.5 * d])
  })

  it.each(['full', 'kfac', 'low-rank', 'functional'] as const)('%s draws with the exact covariance', async (structure) => {
    const { fitted } = await around(await g1(engine), engine, { structure })
    const n = 20_000
    const noise = hostKey(5).normal([n, 2]).data
    const sum = [0, 0, 0]
    for (let i = 0; i < n; i++) {
      const { params } = await drawOf(fitted, Float64Array.of(noise[2 * i]!, noise[2 * i + 1]!), engine)
      const [k, b] = [params['head.kernel']!.data[0]! - 0.8923076923, params['head.bias']!.data[0]! - 0.1435897436]
      ;[b * b, k * b, k * k].forEach((v, j) => (sum[j]! += v / n))
    }
    const exact = [0.1239316239, -0.0512820513, 0.0384615385]
    exact.forEach((v, j) => expect(Math.abs(sum[j]! - v)).toBeLessThan(5 * Math.sqrt((2 * 0.1239316239 ** 2) / n)))
  })
})

describe('tuning on G1, θ held', () => {
  const setting = async (precision = 1): Promise<Setting> => {
    const { fitted } = await around(await g1(engine, precision), engine, { structure: 'full' })
    const { at, curvature } = fitted
    const mean = [0.1435897436, 0.8923076923]
    return {
      at,
      curvature,
      scatter: Float64Array.of(precision * (mean[0]! ** 2 + mean[1]! ** 2)),
      logLikelihood: -1.0155651476,
      likelihoodTemperature: 1,
      noise: { given: 0.5, count: 4, squaredErrors: 2 * 0.25 * (1.0155651476 - 4 * Math.log(0.5 * Math.sqrt(2 * Math.PI))) },
    }
  }

  it('finds the optimum of the precision', async () => {
    const found = fixedPoint(await setting(), { noise: false })
    close(found.prior, [2.0444717033])
    expect(evidence(await setting(), found.prior, 0.5).value).toBeCloseTo(-4.2132539127, 5)
  })

  it('finds precision and noise together', async () => {
    const found = fixedPoint(await setting())
    close(found.prior, [2.3802789026])
    close([found.sigma!], [0.1653431712])
    expect(evidence(await setting(), found.prior, found.sigma).value).toBeCloseTo(-2.7354957553, 4)
  })

  it.each([
    [1, 1.1051709159],
    [10, 2.3779914434],
    [100, 2.0385854849],
    [1000, 2.0444717033],
  ])('Adam after %d steps', async (steps, precision) => {
    close(adamAscent(await setting(), { prior: Float64Array.of(1), sigma: 0.5 }, { steps }).prior, [precision])
  })

  it('through the options', async () => {
    const posterior = await around(await g1(engine, 1), engine, { structure: 'kfac', tune: 'evidence' })
    close(posterior.fitted.scales.prior, [2.3802789026], 1e-3)
    close([Math.sqrt(posterior.fitted.noise) * 0.5], [0.1653431712], 1e-3)
    expect(posterior.evidence).toBeCloseTo(-2.7354957553, 3)
  })
})

describe('G2, a network with a hidden layer', () => {
  const variances = async (options: Options, x: number): Promise<number> =>
    (await (await around(await g2(engine), engine, options)).latent({ x: table([[x]]) })).covariance.data[0]!

  it.each([
    ['full', { structure: 'full' }, -15.2370313099, 0.0634447282, 0.1852473856],
    ['functional', { structure: 'functional' }, -15.2370313099, 0.0634447282, 0.1852473856],
    ['low rank', { structure: 'low-rank', rank: 9 }, -15.2370313099, 0.0634447282, 0.1852473856],
    ['diagonal', { structure: 'diagonal' }, -19.467113735, 0.1295594884, 0.1356598297],
    ['kfac', { structure: 'kfac', bias: 'separate' }, -18.161376729, 0.089178059, 0.0990074837],
  ] as const)('%s', async (_, options, logEvidence, half, three) => {
    const posterior = await around(await g2(engine), engine, options)
    expect(posterior.evidence).toBeCloseTo(logEvidence, 3)
    close([await variances(options, 0.5)], [half])
    close([await variances(options, 3)], [three])
  })

  it('last layer', async () => {
    for (const structure of ['full', 'kfac', 'functional'] as const) {
      close([await variances({ structure, subset: 'last-layer' }, 0.5)], [0.0284140076])
      close([await variances({ structure, subset: { layers: ['head'] } }, 3)], [0.075768649])
    }
  })

  const logDeterminant = async (options: Options): Promise<number> => {
    const { fitted } = await around(await g2(engine), engine, options)
    return fitted.curvature.settle(fitted.scales).logDeterminant + 7 * Math.log(1.5)
  }

  it('log-determinants', async () => {
    close([await logDeterminant({ structure: 'full' })], [11.9603805251])
    close([await logDeterminant({ structure: 'kfac', bias: 'separate' })], [17.8090713634])
    close([await logDeterminant({ structure: 'kfac', bias: 'joint' })], [17.1504023379])
  })

  const diagonal = async (options: Options): Promise<number[]> => {
    const { gaussian } = await around(await g2(engine, { noise: 1, precision: 1 }), engine, { structure: 'diagonal', ...options })
    return Object.values(gaussian!.precision).flatMap((v) => Array.from(v.data, (p) => p - 1))
  }

  it('curvature of unit noise, exact, empirical and drawn', async () => {
    const exact = [1.011589538, 0.8575853596, 2.3556118921, 1.050874813, 1.7632668874, 1.2042887216, 4]
    close(await diagonal({}), exact)
    const empirical = [0.2124150128, 0.5618873572, 0.2160960279, 0.2176737502, 1.3659078061, 0.8916399044, 1.7242615818]
    close(await diagonal({ curvature: 'empirical' }), empirical)
  })
})

describe('a large factor by its leading directions', () => {
  it('eigenvalues and vectors of a falling spectrum, and the mean of the rest', async () => {
    const n = 40
    const l = Array.from({ length: n }, (_, i) => (i < 5 ? 10 / 4 ** i : 0.001))
    const { vectors: q } = eigenWhole(gram(matrix([n, n], hostKey(1).normal([n, n]).data)))
    const a = product(
      product(
        q,
        matrix(
          [n, n],
          Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? l[i / (n + 1)]! : 0)),
        ),
      ),
      transpose(q),
    )
    const { values, vectors, rest } = await eigenLeading(engine, a, 5)
    close([...values].reverse(), l.slice(0, 5), 1e-8)
    expect(rest).toBeCloseTo(0.001, 8)
    const products = product(transpose(vectors), vectors).data
    products.forEach((v, i) => expect(Math.abs(v - (i % 6 === 0 ? 1 : 0))).toBeLessThan(1e-10))
  })

  it('predicts, draws and weighs evidence as the whole does where the rest is alike', async () => {
    // One direction of the inputs, and three numbers of which nothing is known: the rest is zero, and the mean is exact.
    const problem = await wide(engine)
    const [some, all] = [await around(problem, engine, { directions: 2 }), await around(problem, engine, { directions: 100 })]
    const x = { x: hostKey(6).normal([3, 8]) }
    const [a, b] = [await some.latent(x), await all.latent(x)]
    close(a.covariance.data, Array.from(b.covariance.data), 1e-4)
    expect(some.evidence).toBeCloseTo(all.evidence!, 3)
    const covariance = async ({ fitted }: LaplacePosterior): Promise<number[]> => {
      const sum = new Float64Array(9 * 9)
      for (let e = 0; e < 9; e++) {
        const unit = new Float64Array(9)
        unit[e] = 1
        const { params } = await drawOf(fitted, unit, engine)
        const d = [...params['head.kernel']!.data, ...params['head.bias']!.data]
        for (let i = 0; i < 81; i++) sum[i]! += d[Math.floor(i / 9)]! * d[i % 9]!
      }
      return [...sum]
    }
    close(await covariance(some), await covariance(all), 1e-4)
  })
})

describe('G30, softmax regression', () => {
  const probabilities = async (options: Options): Promise<number[]> => {
    const p = await (await around(await g30(engine), engine, options)).predict({ x: table([[2, -1]]) })
    return Array.from((p as { probabilities: Value }).probabilities.data)
  }

  it.each([
    ['full', -5.440236964, [0.5872617486, 0.1462267149, 0.2665115364], {}],
    ['diagonal', -5.8714135081, [0.6011305376, 0.1376494287, 0.2612200337], {}],
    ['kfac', -5.6437078817, [0.5907814673, 0.143504686, 0.2657138468], { bias: 'separate' }],
  ] as const)('%s', async (structure, logEvidence, wanted, more) => {
    expect((await around(await g30(engine), engine, { structure, ...more })).evidence).toBeCloseTo(logEvidence, 4)
    close(await probabilities({ structure, ...more }), wanted)
  })

  it('variances of the outputs, log-determinants, diagonals', async () => {
    const full = await around(await g30(engine), engine, { structure: 'full' })
    const { covariance } = await full.latent({ x: table([[2, -1]]) })
    close(
      [covariance.data[0]!, covariance.data[4]!, covariance.data[8]!, covariance.data[1]!],
      [4.3482031914, 4.5209646517, 4.4600302485, 0.7954312027],
    )
    const determinant = ({ fitted }: LaplacePosterior): number => fitted.curvature.settle(fitted.scales).logDeterminant
    close([determinant(full)], [3.6228061512])
    close([determinant(await around(await g30(engine), engine, { structure: 'kfac', bias: 'separate' }))], [4.0297479867])
    close([determinant(await around(await g30(engine), engine, { structure: 'kfac' }))], [3.6455038774])
    const diagonalOf = async (options: Options): Promise<number[]> => {
      const { gaussian } = await around(await g30(engine), engine, { structure: 'diagonal', ...options })
      const [k, b] = [gaussian!.precision['head.kernel']!.data, gaussian!.precision['head.bias']!.data]
      // The brief's kernel is [out, in].
      return [k[0], k[3], k[1], k[4], k[2], k[5], b[0], b[1], b[2]].map((v) => v! - 1)
    }
    close(
      await diagonalOf({}),
      [0.6472162051, 0.4752004597, 0.6232490671, 0.5179975555, 0.6112240344, 0.4671184697, 0.8426426551, 0.86955281, 0.8189554192],
    )
    close(
      await diagonalOf({ curvature: 'empirical' }),
      [0.4389874069, 0.2428128545, 0.3540729801, 0.4590389736, 0.6471488715, 0.5978245676, 0.5099511326, 0.6685660881, 0.7338241619],
    )
  })

  it('labels and noise drawn from the model give the curvature on average', async () => {
    for (const make of [g30, g2]) {
      const once = (await around(await make(engine), engine, { structure: 'full' })).fitted
      const problem = await make(engine)
      const many = { ...problem, dataset: repeated(problem.dataset, 1000), examples: 4000 }
      const { fitted } = await around(many, engine, { structure: 'full', curvature: 'fisher' })
      const [drawn, exact] = [fitted, once].map((f) => f.curvature.save()['full']!.data)
      const size = Math.max(...exact!)
      exact!.forEach((v, i) => expect(Math.abs(drawn![i]! / 1000 - v)).toBeLessThan(0.1 * size))
    }
  })
})

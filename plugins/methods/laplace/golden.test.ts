/* Golden numbers of brief section 1.4 beyond the networks: the algebra of a Kronecker product, convolutions, a weight whose exact posterior is known. */
import type { Engine, Model, Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { matrix, product, transpose } from '../../parts/linalg/index.js'
import { conv, dense } from '../../parts/networks/index.js'
import { crossEntropy, gaussian } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { value } from '../../parts/training/index.js'
import { engines, inMemory } from '../../parts/training/testing.js'
import { coordinatesOf } from './coordinates.js'
import { kroneckerCurvature } from './kronecker-curvature.js'
import type { LaplacePosterior } from './posterior.js'
import { drawOf } from './posterior.js'
import { around, at, close, g1, model, type Options, table } from './testing.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})
afterAll(() => engine.dispose())

describe('G5, B ⊗ A + δ I', () => {
  const delta = 0.7
  const layer = { name: 'head', inputs: 2, outputs: 3, bias: false, out: [3], kernel: [2, 3] }
  const coordinates = coordinatesOf(
    [layer],
    {
      'head.kernel': value(
        [1, 1, 1, 1, 1, 1].map((d) => d * delta),
        [2, 3],
      ),
    },
    'global',
  )
  const sums = {
    'a.head': matrix([2, 2], [2, 0.5, 0.5, 1]),
    'b.head': matrix([3, 3], [1, 0.2, 0, 0.2, 0.5, 0.1, 0, 0.1, 0.3]),
    count: value([1], []),
  }
  const curvature = kroneckerCurvature(coordinates, { bias: 'joint', places: 'expand', directions: 100 }, sums)
  const scales = { prior: Float64Array.of(1), likelihood: 1 }
  /** The brief's vectors are [out, in] row by row, kernels here [in, out]. */
  const ours = (v: readonly number[]): number[] => [0, 2, 4, 1, 3, 5].map((i) => v[i]!)

  it('log-determinant', () => {
    expect(curvature.settle(scales).logDeterminant + 6 * Math.log(delta)).toBeCloseTo(2.3142213534, 6)
  })

  it('inverse, as the covariance of draws', async () => {
    const covariance = new Float64Array(36)
    for (let e = 0; e < 6; e++) {
      const unit = new Float64Array(6)
      unit[e] = 1
      // Coordinates are √δ θ.
      const d = (await curvature.draw(scales, unit, engine)).map((x) => x / Math.sqrt(delta))
      for (let i = 0; i < 36; i++) covariance[i]! += d[Math.floor(i / 6)]! * d[i % 6]!
    }
    const v = ours([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    const solved = v.map((_, i) => v.reduce((sum, x, j) => sum + covariance[6 * i + j]! * x, 0))
    close(solved, ours([-0.0001004987, 0.0838377442, 0.0845412354, 0.2453598037, 0.301478058, 0.5260152492]), 1e-6)
    expect(solved.reduce((sum, x, i) => sum + x * v[i]!, 0)).toBeCloseTo(0.6066119695, 6)
  })

  it('inverse square root, as a draw for noise in the axes of the factors', async () => {
    const { 'qa.head': qa, 'qb.head': qb } = curvature.factors(scales) as Record<string, Value>
    const vectors = matrix(
      [2, 2],
      Float64Array.from(qa!.data, (q: number) => q * Math.sqrt(delta)),
    )
    const v = matrix([2, 3], ours([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    const turned = product(product(transpose(vectors), v), matrix([3, 3], Float64Array.from(qb!.data)))
    const half = (await curvature.draw(scales, Float64Array.from(turned.data), engine)).map((d) => d / Math.sqrt(delta))
    close(half, ours([0.0301636112, 0.1290442963, 0.1699913212, 0.3117198448, 0.3897104294, 0.5577716074]), 1e-6)
  })
})

describe('a convolution of two windows', () => {
  const weights: Model['apply'] = (vars, x, call) => {
    const h = conv(vars, 'c', x as Tensor, call, { pad: 'valid' })
    return h.reshape([-1, 2]).matMul(tf.tensor2d([[0.5], [-1]]))
  }
  const problem = () => {
    const params = { 'c.kernel': value([0.3, -0.2], [1, 2, 1, 1]) }
    const train = { x: value([1, 2, -1, 0, 1, 1], [2, 1, 3, 1]), y: table([[0], [0]]) }
    const given = { model: model(weights, params), dataset: inMemory({ train }), objective: gaussian({ noise: 1 }) }
    return at({ ...given, prior: normal({ scale: 1 }), examples: 2 }, params, engine)
  }
  /** The curvature that draws of unit noise stand for: inverse covariance less the prior's precision of 1. */
  const curvatureOf = async ({ fitted }: LaplacePosterior): Promise<number[]> => {
    let [a, b, c] = [0, 0, 0]
    for (const unit of [Float64Array.of(1, 0), Float64Array.of(0, 1)]) {
      const { data } = (await drawOf(fitted, unit, engine)).params['c.kernel']!
      const [p, q] = [data[0]! - 0.3, data[1]! + 0.2]
      ;[a, b, c] = [a + p * p, b + p * q, c + q * q]
    }
    const d = a * c - b * b
    return [c / d - 1, -b / d, a / d - 1]
  }

  it.each([
    ['full', {}, [3.25, -2.5, 4.25]],
    ['kfac', { places: 'expand' }, [3.75, 0.625, 4.375]],
    ['kfac', { places: 'reduce' }, [0.625, 0.3125, 0.3125]],
    ['diagonal', {}, [3.25, 0, 4.25]],
  ] as const)('%s %j', async (structure, options, wanted) => {
    close(await curvatureOf(await around(await problem(), engine, { structure, ...options })), wanted, 1e-4)
  })
})

describe('logistic regression with one weight', () => {
  // Logits (0, w x): of two classes, the second.
  const logits: Model['apply'] = (vars, x, call) => {
    const f = dense(vars, 'w', x as Tensor, call)
    return tf.concat([tf.zerosLike(f), f], 1)
  }
  const params = { 'w.kernel': table([[0.8447678872]]) }
  const problem = () => {
    const train = { x: table([[-2], [-1], [0.5], [1], [2]]), y: value([0, 0, 1, 0, 1], [5], 'int32') }
    const dataset = inMemory({ train }, { classes: ['0', '1'] })
    return at(
      { model: model(logits, params), dataset, objective: crossEntropy(), prior: normal({ scale: Math.SQRT2 }), examples: 5 },
      params,
      engine,
    )
  }
  const second = async (x: number, options: Options): Promise<number> => {
    const p = await (await around(await problem(), engine, { structure: 'full', ...options })).predict({ x: table([[x]]) })
    return (p as { probabilities: Value }).probabilities.data[1]!
  }

  it('evidence and variance', async () => {
    const posterior = await around(await problem(), engine, { structure: 'full' })
    expect(posterior.evidence).toBeCloseTo(-3.2821961518, 5)
    const { covariance } = await posterior.latent({ x: table([[1]]) })
    close([covariance.data[3]!], [0.4919729728])
    const { at: held, curvature, scales, numbers } = posterior.fitted
    close([held.precision[0]! * Math.exp(curvature.settle(scales).logDeterminant), numbers.logLikelihood], [2.0326319844, -2.4025486171])
  })

  it.each([
    [1.5, 0.7802547985],
    [4, 0.9670440284],
  ])('the trained weight alone, at x = %f', async (x, wanted) => {
    const p = await (await problem()).initial!.predict({ x: table([[x]]) })
    close([(p as { probabilities: Value }).probabilities.data[1]!], [wanted])
  })

  it.each([
    [1.5, 0.7422910769, 0.7391408543],
    [4, 0.8416567327, 0.8459240166],
  ])('at x = %f: probit, pairwise, and the integral by draws', async (x, wanted, integral) => {
    close([await second(x, { link: 'probit' }), await second(x, { link: 'pairwise' })], [wanted, wanted])
    expect(Math.abs((await second(x, { link: 'monte-carlo', draws: 4000 })) - integral)).toBeLessThan(0.01)
  })
})

it('averaged weights have the tuned noise, each of them', async () => {
  const posterior = await around(await g1(engine, 1), engine, { structure: 'full', tune: 'evidence', predictive: 'weights', draws: 3 })
  const p = await posterior.predict({ x: table([[1], [4]]) })
  if (p.kind !== 'normal') throw new Error('a regression predicts normals')
  const tuned = 0.1653431712 ** 2
  close(p.noise!.data, [tuned, tuned], 1e-4)
  close(p.memberVariance!.data, new Array<number>(6).fill(tuned), 1e-4)
})

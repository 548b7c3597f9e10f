/* Golden numbers of brief sections 0 and 1.4 that evidence and predictions are made of: factors, Jacobians, likelihoods, scatter, draws. */
import type { Engine, Problem, Tensors, Value, Values } from 'ockham'
import { hostKey } from 'ockham'
import type { Scalar, Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jacobian, layerPass, linearLayers, pullEach, unitColumns } from '../../parts/curvature/index.js'
import { hvp } from '../../parts/derivatives/index.js'
import { cholesky, eigenSymmetric, logDeterminant, matrix } from '../../parts/linalg/index.js'
import { bind, dense, parametric } from '../../parts/networks/index.js'
import { gaussian } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { mapOptions, maximumAPosteriori, sgd, sgdOptions, type MapOptions } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { laplace } from './laplace.js'
import { laplaceOptions } from './options.js'
import { drawOf, type LaplacePosterior } from './posterior.js'
import { around, at, close, g1, g2, g30, model, table } from './testing.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})
afterAll(() => engine.dispose())

const settled = ({ fitted }: LaplacePosterior): number => fitted.curvature.settle(fitted.scales).logDeterminant
const priorDeterminant = ({ fitted: { at: a, scales } }: LaplacePosterior): number =>
  a.precision.reduce((sum, d, i) => sum + Math.log(d * scales.prior[a.groupOf[i]!]!), 0)

describe('G1', () => {
  it('likelihood, scatter and log-determinants', async () => {
    const posterior = await around(await g1(engine), engine, { structure: 'full' })
    close([posterior.fitted.numbers.logLikelihood], [-1.0155651476])
    close(posterior.fitted.numbers.scatter, [1.6336620644])
    close([settled(posterior), settled(posterior) + priorDeterminant(posterior)], [4.7621739348, 6.1484682959])
  })

  /** The line as two columns (1, t), so that the vector of all weights is intercept, then slope, as in the brief. */
  const columns = (): Promise<Problem> => {
    const rows = [0, 1, 2, 3].map((t) => [1, t])
    const params = { 'w.kernel': table([[0.1435897436], [0.8923076923]]) }
    const given = {
      model: model((vars, x, call) => dense(vars, 'w', x as Tensor, call), params),
      dataset: inMemory({ train: { x: table(rows), y: table([[0.1], [0.9], [2.1], [2.9]]) } }),
      objective: gaussian({ noise: 0.5 }),
      prior: normal({ scale: Math.SQRT1_2 }),
      examples: 4,
    }
    return at(given, params, engine)
  }
  const drawn = async (posterior: LaplacePosterior, ...noise: number[]): Promise<number[]> =>
    Array.from((await drawOf(posterior.fitted, Float64Array.from(noise), engine)).params['w.kernel']!.data)

  it('a draw is the mean and the lower Cholesky factor times the noise', async () => {
    const posterior = await around(await columns(), engine, { structure: 'full' })
    const [mean, first, second] = [await drawn(posterior, 0, 0), await drawn(posterior, 1, 0), await drawn(posterior, 0, 1)]
    close(mean, [0.1435897436, 0.8923076923])
    close(
      [first, second].flatMap((d) => d.map((v, i) => v - mean[i]!)),
      [0.3520392364, -0.1456714081, 0, 0.1313064329],
    )
    const one = await drawn(posterior, 1, -0.5)
    close(one, [0.4956289799, 0.6809830677])
    // The transposed factor's, whose covariance is another.
    expect(Math.abs(one[0]! - 0.568464684)).toBeGreaterThan(0.05)
    expect(Math.abs(one[1]! - 0.8266544759)).toBeGreaterThan(0.05)
  })

  it.each(['full', 'kfac', 'low-rank', 'functional'] as const)('%s: covariance of the function between two points', async (structure) => {
    const posterior = await around(await columns(), engine, { structure })
    const mean = await drawn(posterior, 0, 0)
    let [a, b, c] = [0, 0, 0]
    for (const unit of [
      [1, 0],
      [0, 1],
    ]) {
      const [u, v] = (await drawn(posterior, ...unit)).map((w, i) => w - mean[i]!) as [number, number]
      const [far, near] = [u + 4 * v, u - v]
      ;[a, b, c] = [a + far * far, b + far * near, c + near * near]
    }
    close([a, b, c], [0.3290598291, -0.1837607, 0.2649573])
  })

  it('training with evidence finds the joint optimum of weights and precision', async () => {
    const after = maximumAPosteriori(
      {
        ...mapOptions.parse({ steps: 150, batchSize: 4 }),
        optimizer: sgd(sgdOptions.parse({ learningRate: 0.05, momentum: 0.5 })),
      } as MapOptions,
      { engine },
    )
    const online = { rounds: 8, burnIn: 0, steps: 500, rate: 0.1 }
    const options = laplaceOptions.parse({ structure: 'full', subset: 'all', tune: 'online', noise: false, online })
    const problem = await g1(engine, 1)
    const { run, events } = testRun(engine)
    const posterior = (await laplace({ ...options, after }, { engine }).infer(problem, run)) as LaplacePosterior
    const { params } = posterior.weights!.point()
    close(posterior.fitted.scales.prior, [2.0487342115], 1e-3)
    close([params['head.bias']!.data[0]!, params['head.kernel']!.data[0]!], [0.1449411195, 0.8909998441], 1e-3)
    close([posterior.evidence!], [-4.2132322758], 1e-4)
    const found = events.findLast((e) => e.type === 'evaluation')
    close([(found as { values: Record<string, number> }).values['train/effective-parameters']!], [1.6694902564], 1e-3)
  })
})

describe('G2', () => {
  const x = { x: table([[-1], [0], [1], [2]]) }

  it('outputs, squared errors, likelihood and scatter', async () => {
    const posterior = await around(await g2(engine), engine, { structure: 'full' })
    close((await posterior.latent(x)).mean.data, [-1.1400670717, 0.0314388694, 1.1755217178, 1.7056067939])
    close((await posterior.latent({ x: table([[0.5], [3]]) })).mean.data, [0.6743081849, 1.8791051459])
    const { numbers } = posterior.fitted
    close([numbers.noise!.squaredErrors / 2, numbers.logLikelihood], [0.8621307909, -8.4390939257])
    close(numbers.scatter, [4.47375])
  })

  it('the Jacobian', async () => {
    const problem = await g2(engine)
    const vars = problem.initial!.weights!.point()
    const { layers } = await linearLayers(problem, engine, vars, { x: table([[1]]) })
    const program = engine.compile((a: { params: Tensors; x: Tensor; key: Parameters<typeof layerPass>[4] }) => {
      const pass = layerPass(engine, parametric(problem.model), { params: a.params, frozen: {}, state: {} }, a.x, a.key, layers)
      return jacobian(pass, pullEach(pass, unitColumns(1, 1), layers), layers)
    })
    const rows = await program({ params: vars.params, x: table([[1]]), key: hostKey(0) })
    close(rows.data, [0.5843008334, -0.5989471503, 0.5843008334, -0.5989471503, 0.7162978702, -0.3799489623, 1])
    program.dispose()
  })

  it('trace and Frobenius norm of the curvature, and its Kronecker factors', async () => {
    const unit = await g2(engine, { noise: 1, precision: 1 })
    const full = Array.from((await around(unit, engine, { structure: 'full' })).fitted.curvature.save()['full']!.data)
    const trace = [0, 1, 2, 3, 4, 5, 6].reduce((sum, i) => sum + full[8 * i]!, 0)
    close([trace, Math.sqrt(full.reduce((sum, v) => sum + v * v, 0))], [12.2432172116, 8.6790622621])
    const sums = (await around(unit, engine, { structure: 'kfac', bias: 'separate' })).fitted.curvature.save()
    close(sums['a.layer0.kernel']!.data, [6])
    close(sums['b.layer0']!.data, [2.3556118921, -1.491400703, -1.491400703, 1.050874813])
    close(sums['a.head.kernel']!.data, [1.7632668874, -1.3662091385, -1.3662091385, 1.2042887216])
    close(sums['b.head']!.data, [4])
  })

  it('the Hessian itself is not positive: why it is not what the curvature is', async () => {
    const problem = await g2(engine)
    const { params } = problem.initial!.weights!.point()
    const double = (values: Values): Values =>
      Object.fromEntries(Object.entries(values).map(([name, v]) => [name, { ...v, dtype: 'float64', data: Float64Array.from(v.data) }]))
    const names = ['layer0.kernel', 'layer0.bias', 'head.kernel', 'head.bias']
    const places = names.flatMap((name) => Array.from(params[name]!.data, (_, i) => [name, i] as const))
    const data = double({ ...x, y: table([[-0.9], [0.3], [0.8], [0.5]]) })
    const program = engine.compile(
      (a: { p: Tensors; v: Tensors; data: Tensors; key: Parameters<typeof bind>[2] }) => {
        const half = (p: Tensors): Scalar => {
          const y = bind(parametric(problem.model), { params: p, frozen: {}, state: {} }, a.key, false)(a.data['x']!)
          return y.sub(a.data['y']!).square().sum().div<Scalar>(2)
        }
        return hvp(engine, half, a.p, a.v)
      },
      { precision: 'float64' },
    )
    const hessian = new Float64Array(49)
    for (const [row, [name, i]] of places.entries()) {
      const unit = double(Object.fromEntries(names.map((n) => [n, { ...params[n]!, data: params[n]!.data.map(() => 0) }])))
      unit[name]!.data[i] = 1
      const column = await program({ p: double(params), v: unit, data, key: hostKey(0) })
      places.forEach(([n, k], j) => (hessian[7 * row + j] = column[n]!.data[k]!))
    }
    program.dispose()
    const h = matrix([7, 7], hessian)
    expect(Math.min(...eigenSymmetric(h).values.data)).toBeCloseTo(-3.4793367, 5)
    expect(() => cholesky(h, 'test')).toThrow()
    const shifted = matrix(
      [7, 7],
      hessian.map((v, i) => v + (i % 8 === 0 ? 3.48 : 0)),
    )
    expect(Number.isFinite(logDeterminant(cholesky(shifted, 'test')))).toBe(true)
  })
})

describe('G30', () => {
  const far = { x: table([[2, -1]]) }

  it('likelihood, logits, probabilities at the weights, trace', async () => {
    const problem = await g30(engine)
    const full = await around(problem, engine, { structure: 'full' })
    close([full.fitted.numbers.logLikelihood], [-3.3388338884])
    close((await full.latent(far)).mean.data, [1.3, -1, 0])
    const p = await problem.initial!.predict(far)
    close((p as { probabilities: Value }).probabilities.data, [0.7284431968, 0.0730328726, 0.1985239306])
    const h = full.fitted.curvature.save()['full']!.data
    close([Array.from({ length: 9 }, (_, i) => h[10 * i]!).reduce((a, b) => a + b)], [5.8731566757])
  })

  it('Kronecker factors', async () => {
    const sums = (await around(await g30(engine), engine, { structure: 'kfac', bias: 'separate' })).fitted.curvature.save()
    close(sums['a.head.kernel']!.data, [3, 0.5, 0.5, 2.25])
    const [ab, ac, bc] = [-0.4466200229, -0.3960226321, -0.4229327871]
    close(sums['b.head']!.data, [0.8426426551, ab, ac, ab, 0.86955281, bc, ac, bc, 0.8189554192])
  })
})

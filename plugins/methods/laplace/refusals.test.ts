import type { Engine, Problem } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dense } from '../../parts/networks/index.js'
import { crossEntropy } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { given, value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { laplace } from './laplace.js'
import { laplaceOptions, type LaplaceOptions } from './options.js'
import type { LaplacePosterior } from './posterior.js'
import { at, g2, model, table, type Options } from './testing.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})
afterAll(() => engine.dispose())

describe('what is said before anything is trained', () => {
  const after = { infer: () => Promise.reject(new Error('it was trained')), restore: () => Promise.reject(new Error('none')) }
  const tried = async (problem: Problem, options: Options): Promise<unknown> => {
    const parsed = laplaceOptions.parse(options) as LaplaceOptions
    return laplace({ ...parsed, after }, { engine })
      .infer(problem, testRun(engine).run)
      .catch((error: unknown) => error)
  }

  it.each([
    ['a layer that is not there', { subset: { layers: ['body'] } }, /OCK-LAPLACE-004.*layer0, head/s],
    ['more memory than there is', { structure: 'full', subset: 'all', memory: 1e-9 }, /OCK-LAPLACE-008.*GiB/s],
    ['nothing wrong', { structure: 'full', subset: { parameters: 3, by: 'magnitude' } }, /it was trained/],
  ] as const)('%s', async (_, options, wanted) => {
    expect(String(await tried(await g2(engine), options as Options))).toMatch(wanted)
  })

  it('a prior that no Kronecker product has, a split that is not there, an objective that is no likelihood', async () => {
    const problem = await g2(engine)
    const precision = { 'layer0.kernel': [1, 2], 'layer0.bias': [1, 1], 'head.kernel': [1, 1], 'head.bias': [1] }
    const values = Object.fromEntries(
      Object.entries(problem.initial!.weights!.point().params).map(([name, v]) => [
        name,
        { ...v, data: Float32Array.from(precision[name as keyof typeof precision]) },
      ]),
    )
    const uneven = { ...problem.prior, gaussian: () => ({ mean: values, precision: values }) }
    expect(String(await tried({ ...problem, prior: uneven }, { structure: 'kfac', subset: 'all' }))).toMatch(
      /OCK-LAPLACE-009.*layer0.kernel/s,
    )
    const { root: _, ...bare } = problem.objective
    expect(String(await tried({ ...problem, objective: bare }, {}))).toMatch('OCK-LAPLACE-001')
    const { train: __, ...splits } = problem.dataset.meta.splits
    const dataset = { ...problem.dataset, meta: { ...problem.dataset.meta, splits } }
    expect(String(await tried({ ...problem, dataset }, {}))).toMatch('OCK-LAPLACE-003')
  })
})

describe('where a layer has no factor', () => {
  /** A tied network: the second layer's kernel is the first's, so that neither product is one of its own; between them one that is. */
  const tied = async (): Promise<Problem> => {
    const params = {
      'inner.kernel': value([0.5, -0.3, 0.2, 0.9], [2, 2]),
      'tied.kernel': value([1, 0.4, -0.2, 0.7], [2, 2]),
    }
    const net = model((vars, x, call) => {
      const first = dense(vars, 'tied', x as Tensor, call)
      const inner = dense(vars, 'inner', first.tanh(), call)
      return dense(vars, 'tied', inner.tanh(), call)
    }, params)
    const x = table([
      [1, 0],
      [0, 1],
      [1, -1],
    ])
    const dataset = inMemory({ train: { x, y: value([0, 1, 0], [3], 'int32') } }, { classes: ['a', 'b'] })
    return at({ model: net, dataset, objective: crossEntropy(), prior: normal({ scale: 1 }), examples: 3 }, params, engine)
  }

  it.each([
    ['last-layer', /the last layer has no factor \(tied is used 2 times in one pass\).*taken: inner\./s],
    ['all', /1 parameters have no factor and keep their trained values: tied is used 2 times/],
  ] as const)('of %s: the rest is taken, and the reason is said', async (subset, wanted) => {
    const { run, events } = testRun(engine)
    const options = { ...laplaceOptions.parse({ subset, structure: 'full' }), after: given({}, { engine }) } as LaplaceOptions
    const posterior = (await laplace(options, { engine }).infer(await tied(), run)) as LaplacePosterior
    expect(posterior.fitted.at.blocks.map((b) => b.param)).toEqual(['inner.kernel'])
    const said = events.flatMap((e) => (e.type === 'warning' ? [`${e.code} ${e.message}`] : []))
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(wanted)
    expect(said[0]).toMatch('OCK-LAPLACE-005')
  })

  it('is silent where the last layer has its own', async () => {
    const { run, events } = testRun(engine)
    const options = { ...laplaceOptions.parse({ tune: 'none' }), after: given({}, { engine }) } as LaplaceOptions
    await laplace(options, { engine }).infer(await g2(engine), run)
    expect(events.filter((e) => e.type === 'warning')).toEqual([])
  })
})

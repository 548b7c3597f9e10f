import { hostKey, type Engine, type Key, type Problem, type Value, type Values } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { gaussian } from '../../parts/objectives/index.js'
import { flat, normal } from '../../parts/priors/index.js'
import { adam, adamOptions, prefix, under, value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import {
  divergence,
  inverseSoftplus,
  ivon,
  ivonOptions,
  ivonStep,
  ivonStepOptions,
  softplus,
  variational,
  variationalOptions,
} from './index.js'
import { gained } from './spread-model.js'

const close = (got: ArrayLike<number>, wanted: readonly number[], digits = 5): void =>
  wanted.forEach((w, i) => expect(got[i], `${i}`).toBeCloseTo(w, digits))

describe.each(Object.entries(engines))('variational on %s', (name, start) => {
  // What takes thousands of steps is asked of the fast engine alone.
  const onFast = name === 'onnxruntime'
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())

  it('divergences of normals: brief section 4.3', async () => {
    expect(softplus(-3)).toBeCloseTo(0.0485873516, 9)
    expect(inverseSoftplus(0.05)).toBeCloseTo(-2.9706281091, 9)
    const kl = engine.compile((a: { m: Tensor; s: Tensor; p: Tensor }) =>
      divergence({ w: a.m }, { w: a.s }, { mean: { w: tf.zeros([1]) }, precision: { w: a.p } }),
    )
    const of = async (p: number): Promise<number> => (await kl({ m: value([0.3]), s: value([0.2]), p: value([p]) })).data[0]!
    expect(await of(1)).toBeCloseTo(1.1744379124, 5)
    expect(await of(100)).toBeCloseTo(5.3068528194, 4)
    kl.dispose()
  })

  it('what a layer gains: brief section 4.3, kernels [in, out]', async () => {
    const s = value([0.1, 0.3, 0.2, 0.05], [2, 2])
    const x = value([1, -2], [1, 2])
    const mean = [0.3, -1.1]
    const keyOf = (draws: Readonly<Record<string, Tensor>>): Key =>
      ({ fold: (name: string) => ({ normal: () => draws[name]!, bernoulli: () => draws[name]! }) }) as unknown as Key
    const program = engine.compile(
      (a: { x: Tensor; s: Tensor; local: Tensor; shared: Tensor; r: Tensor; t: Tensor; how: 'local' | 'flipout' }) =>
        gained(a.x, { kernel: a.s, bias: undefined }, a.how, keyOf({ local: a.local, shared: a.shared, r: a.r, t: a.t })),
    )
    // Signs are drawn as zeros and ones.
    const draws = {
      local: value([0.7, -1.1], [1, 2]),
      shared: value([1, 0.2, -0.5, 2], [2, 2]),
      r: value([1, 0], [1, 2]),
      t: value([0, 1], [1, 2]),
    }
    const local = await program({ x, s, ...draws, how: 'local' })
    close(
      local.data.map((g: number, i: number) => g + mean[i]!),
      [0.5886173938, -1.4478505426],
    )
    const flipout = await program({ x, s, ...draws, how: 'flipout' })
    close(
      flipout.data.map((g: number, i: number) => g + mean[i]!),
      [0.4, -0.84],
    )
    program.dispose()
  })

  // G1 of the brief: four points on a line, noise ½, prior precision 2.
  const line = (prior = normal({ scale: Math.SQRT1_2 })): Problem => ({
    model: mlp(mlpOptions.parse({ hidden: [] })),
    dataset: inMemory({ train: { x: value([0, 1, 2, 3], [4, 1]), y: value([0.1, 0.9, 2.1, 2.9], [4, 1]) } }),
    objective: gaussian({ noise: 0.5 }),
    prior,
    examples: 4,
  })

  it.each(onFast ? (['local', 'flipout', 'weights'] as const) : [])(
    'finds the best independent normals of a line, by %s',
    async (estimator) => {
      const optimizer = adam(adamOptions.parse({ learningRate: 0.01 }))
      const options = {
        ...variationalOptions.parse({ estimator, epochs: 4000, batchSize: 4, deviation: 0.1 }),
        optimizer,
        after: undefined,
      }
      const { mean, precision } = (await variational(options, { engine }).infer(line(), testRun(engine).run)).gaussian!
      const at = (v: Values, name: string): number => v[name]!.data[0]!
      // The optimum: the exact mean, and one over the diagonal of the precision [[18, 24], [24, 58]]. Adam's steps leave some noise.
      expect(Math.abs(at(mean, 'head.bias') - 0.1435897436)).toBeLessThan(0.08)
      expect(Math.abs(at(mean, 'head.kernel') - 0.8923076923)).toBeLessThan(0.06)
      expect(Math.abs(at(precision, 'head.bias') / 18 - 1)).toBeLessThan(0.2)
      expect(Math.abs(at(precision, 'head.kernel') / 58 - 1)).toBeLessThan(0.2)
    },
    60_000,
  )

  if (onFast)
    it('the divergence at draws leads to the same place as the closed form', async () => {
      const { gaussian: closed, ...open } = normal({ scale: Math.SQRT1_2 })
      expect(closed).toBeDefined()
      const optimizer = adam(adamOptions.parse({ learningRate: 0.01 }))
      const options = {
        ...variationalOptions.parse({ estimator: 'weights', epochs: 4000, batchSize: 4, deviation: 0.1 }),
        optimizer,
        after: undefined,
      }
      const { precision, mean } = (await variational(options, { engine }).infer(line(open), testRun(engine).run)).gaussian!
      expect(Math.abs(mean['head.kernel']!.data[0]! - 0.8923076923)).toBeLessThan(0.04)
      expect(Math.abs(precision['head.kernel']!.data[0]! / 58 - 1)).toBeLessThan(0.2)
      const local = { ...variationalOptions.parse({ estimator: 'local' }), optimizer, after: undefined }
      await expect(variational(local, { engine }).infer(line(open), testRun(engine).run)).rejects.toThrow('OCK-VARIATIONAL-002')
    }, 60_000)

  it('IVON: three steps of brief section 5', async () => {
    const optimizer = ivonStep(
      ivonStepOptions.parse({ learningRate: 0.1, curvature: 0.5, beta1: 0.9, beta2: 0.99, weightDecay: 0.01, effectiveSize: 100 }),
    )
    const program = engine.compile((a: { params: Record<string, Tensor>; memory: Record<string, Tensor>; z: Tensor }) => {
      const key: Key = { fold: () => key, normal: () => a.z } as unknown as Key
      const { params, memory } = optimizer.update({
        params: a.params,
        memory: a.memory,
        gradient: (p) => ({ w: p['w']!.sub(tf.tensor([0.5, -1])).mul(tf.tensor([1, 4])) }),
        key,
        step: tf.scalar(0),
        rate: tf.scalar(1),
        examples: 7,
      })
      return { params, memory }
    })
    let params: Values = { w: value([0, 0]) }
    let memory = optimizer.init(params)
    const steps = [
      { z: [0.5, -1], h: [0.4800525739, 0.3109399221], theta: [0.0447488432, -0.5466265622] },
      { z: [1, 0.3], h: [0.4541084748, 0.3437791289], theta: [0.0851494268, -0.9343978497] },
      { z: [-0.2, 0.8], h: [0.4556222318, 0.3801243571], theta: [0.1284505202, -1.1941250759] },
    ]
    for (const { z, h, theta } of steps) {
      const next = await program({ params, memory, z: value(z) })
      params = next.params
      memory = next.memory
      close(params['w']!.data, theta)
      close(under('h.', memory)['w']!.data, h)
    }
    expect(Object.keys(memory).sort()).toEqual(['decay', ...Object.keys(prefix('h.', params)), ...Object.keys(prefix('m.', params))].sort())
    program.dispose()
  })

  if (onFast)
    it('IVON finds the curvature of a line', async () => {
      const options = {
        ...ivonOptions.parse({ epochs: 12_000, batchSize: 4, learningRate: 0.02, beta2: 0.999, curvature: 4, weightDecay: 0.5 }),
        after: undefined,
      }
      const posterior = await ivon(options, { engine }).infer(line(flat()), testRun(engine).run)
      const { mean, precision } = posterior.gaussian!
      // λ δ = 4 · ½ is the prior's precision, 2.
      expect(Math.abs(mean['head.kernel']!.data[0]! - 0.8923076923)).toBeLessThan(0.05)
      expect(Math.abs(precision['head.bias']!.data[0]! / 18 - 1)).toBeLessThan(0.25)
      expect(Math.abs(precision['head.kernel']!.data[0]! / 58 - 1)).toBeLessThan(0.25)
    }, 60_000)

  it('what is saved predicts the same, and draws have the deviations', async () => {
    const options = { ...variationalOptions.parse({ epochs: 30, batchSize: 4, draws: 5 }), optimizer: undefined, after: undefined }
    const inference = variational(options, { engine })
    const posterior = await inference.infer(line(), testRun(engine).run)
    const x = { x: value([0, 4], [2, 1]) }
    const prediction = await posterior.predict(x)
    expect(prediction.members?.shape).toEqual([5, 2, 1])
    expect(await (await inference.restore(posterior.save(), line())).predict(x)).toEqual(prediction)
    const { mean, precision } = posterior.gaussian!
    const draws: number[] = []
    for (let i = 0; i < 2000; i++) draws.push((await posterior.weights!.sample(hostKey(i))).params['head.kernel']!.data[0]!)
    const variance = draws.reduce((s, d) => s + (d - mean['head.kernel']!.data[0]!) ** 2, 0) / draws.length
    expect(Math.abs(variance * precision['head.kernel']!.data[0]! - 1)).toBeLessThan(5 * Math.sqrt(2 / 2000))
    const wrong: Value = value([0])
    expect(() => inference.restore({ kind: 'ivon', values: { wrong }, meta: null }, line())).toThrow('OCK-VARIATIONAL-001')
  })
})

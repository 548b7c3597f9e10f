import {
  hostKey,
  type Batch,
  type Engine,
  type Key,
  type Model,
  type Problem,
  type Step,
  type Tensors,
  type Value,
  type Values,
} from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dense, mlp, mlpOptions } from '../../parts/networks/index.js'
import { gaussian } from '../../parts/objectives/index.js'
import { flat, normal } from '../../parts/priors/index.js'
import { adam, adamOptions, map, prefix, under, value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import {
  deviations,
  divergence,
  inverseSoftplus,
  ivon,
  ivonOptions,
  ivonStep,
  ivonStepOptions,
  softplus,
  spreadModel,
  variational,
  variationalOptions,
} from './index.js'
import { sampledCurvature } from './ivon.js'
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

  it('one draw of the weights for all: brief section 4.3', async () => {
    const layer: Model = {
      init: () => ({ params: {}, frozen: {}, state: {} }),
      apply: (vars, x, call) => dense(vars, 'w', x as Tensor, call),
    }
    const model = spreadModel(layer, 'weights', () => Promise.reject(new Error('no start is asked for')), 1)
    const program = engine.compile((a: { x: Tensor; m: Tensor; rho: Tensor; e: Tensor }) => {
      const key: Key = { fold: () => key, normal: () => a.e } as unknown as Key
      const vars = { params: { 'mean.w.kernel': a.m, 'rho.w.kernel': a.rho }, frozen: {}, state: {} }
      return model.apply(vars, a.x, { train: true, key, at: (_, h) => h, next: () => undefined })
    })
    const y = await program({
      x: value([1, -2], [1, 2]),
      m: value([0.5, -0.3, 0.1, 0.4], [2, 2]),
      rho: value([0.1, 0.3, 0.2, 0.05].map(inverseSoftplus), [2, 2]),
      e: value([1, 0.2, -0.5, 2], [2, 2]),
    })
    close(y.data, [0.6, -1.24])
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

  it('the evidence bound of that line, and its parts: brief section 4.3', async () => {
    const base = mlp(mlpOptions.parse({ hidden: [] }))
    const model = spreadModel(base, 'weights', () => Promise.reject(new Error('no start is asked for')), 1)
    const program = engine.compile((a: { m: Tensors; rho: Tensors; z: Tensors; x: Tensor; y: Tensor }) => {
      const key: Key = { fold: (end: string) => ({ ...key, normal: () => a.z[end] ?? tf.scalar(0) }) } as unknown as Key
      const vars = { params: { ...prefix('mean.', a.m), ...prefix('rho.', a.rho) }, frozen: {}, state: {} }
      const y = model.apply(vars, a.x, { train: true, key, at: (_, h) => h, next: () => undefined })
      const precision = map(a.m, () => tf.scalar(2))
      return {
        loss: gaussian({ noise: 0.5 })
          .loss(y, { y: a.y } as unknown as Batch, {} as Step)
          .loss.sum(),
        kl: divergence(a.m, deviations(a.rho), { mean: map(a.m, (m) => tf.zerosLike(m)), precision }),
      }
    })
    const named = (bias: number, kernel: number): Values => ({ 'head.bias': value([bias]), 'head.kernel': value([kernel], [1, 1]) })
    const data = { x: value([0, 1, 2, 3], [4, 1]), y: value([0.1, 0.9, 2.1, 2.9], [4, 1]) }
    /** Mean log-likelihood, exact for what is quadratic in two weights by the points ±√2 e, and the divergence. */
    const parts = async (m: readonly [number, number], s: readonly [number, number]) => {
      let [likelihood, kl] = [0, 0]
      for (const z of [Math.SQRT2, -Math.SQRT2].flatMap((r) => [named(r, 0), named(0, r)])) {
        const found = await program({ ...data, z, m: named(...m), rho: named(inverseSoftplus(s[0]), inverseSoftplus(s[1])) })
        likelihood -= found.loss.data[0]! / 4
        kl = found.kl.data[0]!
      }
      return { likelihood, kl }
    }
    const best = await parts([0.1435897436, 0.8923076923], [Math.sqrt(0.0555555556), Math.sqrt(0.0172413793)])
    expect(best.likelihood).toBeCloseTo(-1.9427682127, 5)
    expect(best.kl).toBeCloseTo(2.6718881707, 5)
    expect(best.likelihood - best.kl).toBeCloseTo(-4.6146563834, 5)
    expect((best.kl - best.likelihood) / 4).toBeCloseTo(1.1536640959, 5)
    // The evidence −4.2134831472 is the bound and the divergence from the exact posterior.
    expect(-4.2134831472 - (best.likelihood - best.kl)).toBeCloseTo(0.4011731733, 5)
    const begun = await parts([0, 0], [0.1, 0.1])
    expect(begun.likelihood - begun.kl).toBeCloseTo(-31.475188416, 4)
    program.dispose()
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
      let noisy = a.z
      const slope = (p: Tensor): Tensor => p.sub(tf.tensor([0.5, -1])).mul(tf.tensor([1, 4]))
      const { params, memory } = optimizer.update({
        params: a.params,
        memory: a.memory,
        gradient: (p) => ({ w: slope((noisy = p['w']!)) }),
        key,
        step: tf.scalar(0),
        rate: tf.scalar(1),
        examples: 7,
      })
      const [noise, gradient] = [noisy.sub(a.params['w']!), slope(noisy)]
      const curvature = sampledCurvature(noise.mul(gradient), under('h.', a.memory)['w']!.add(0.01), 100)
      return { params, memory, seen: { noise, gradient, curvature } }
    })
    let params: Values = { w: value([0, 0]) }
    let memory = optimizer.init(params)
    const steps = [
      { z: [0.5, -1], h: [0.4800525739, 0.3109399221], theta: [0.0447488432, -0.5466265622] },
      { z: [1, 0.3], h: [0.4541084748, 0.3437791289], theta: [0.0851494268, -0.9343978497] },
      { z: [-0.2, 0.8], h: [0.4556222318, 0.3801243571], theta: [0.1284505202, -1.1941250759] },
    ]
    for (const [t, { z, h, theta }] of steps.entries()) {
      const next = await program({ params, memory, z: value(z) })
      if (t === 0) {
        const { noise, gradient, curvature } = next.seen
        close(
          noise.data.map((e: number, i: number) => e / z[i]!),
          [0.1400280084, 0.1400280084],
        )
        close(gradient.data, [-0.4299859958, 3.4398879664])
        close(curvature.data, [-1.5353571071, -24.5657137142])
      }
      params = next.params
      memory = next.memory
      close(params['w']!.data, theta)
      close(under('h.', memory)['w']!.data, h)
    }
    expect(Object.keys(memory).sort()).toEqual(['decay', ...Object.keys(prefix('h.', params)), ...Object.keys(prefix('m.', params))].sort())
    program.dispose()
  })

  if (onFast)
    it('IVON on the quadratic of brief section 5 for long: h is its curvature, θ its regularised optimum', async () => {
      const optimizer = ivonStep(
        ivonStepOptions.parse({ learningRate: 0.02, curvature: 0.5, beta2: 0.9995, weightDecay: 0.001, effectiveSize: 1000 }),
      )
      const program = engine.compile((a: { params: Record<string, Tensor>; memory: Record<string, Tensor>; key: Key }) => {
        const { params, memory } = optimizer.update({
          params: a.params,
          memory: a.memory,
          gradient: (p) => ({ w: p['w']!.sub(tf.tensor([0.5, -1])).mul(tf.tensor([1, 4])) }),
          key: a.key,
          step: tf.scalar(0),
          rate: tf.scalar(1),
          examples: 7,
        })
        return { params, memory }
      })
      let params: Values = { w: value([0, 0]) }
      let memory = optimizer.init(params)
      const [h, theta] = [
        [0, 0],
        [0, 0],
      ]
      const [steps, last] = [24_000, 8000]
      for (let t = 0; t < steps; t++) {
        const next = await program({ params, memory, key: hostKey(t) })
        params = next.params
        memory = next.memory
        if (t < steps - last) continue
        for (const i of [0, 1]) {
          h[i]! += memory['h.w']!.data[i]! / last
          theta[i]! += params['w']!.data[i]! / last
        }
      }
      program.dispose()
      h.forEach((v, i) => expect(Math.abs(v / [1, 4][i]! - 1)).toBeLessThan(0.05))
      theta.forEach((v, i) => expect(Math.abs(v - [0.5 / 1.001, -4 / 4.001][i]!)).toBeLessThan(0.005))
    }, 60_000)

  if (onFast)
    it('IVON finds the curvature of a line', async () => {
      const options = {
        ...ivonOptions.parse({ epochs: 12_000, batchSize: 4, learningRate: 0.02, beta2: 0.999, curvature: 4, weightDecay: 0.5 }),
        after: undefined,
      }
      const { run, events } = testRun(engine)
      const posterior = await ivon(options, { engine }).infer(line(flat()), run)
      const { mean, precision } = posterior.gaussian!
      expect(events.findLast((e) => e.type === 'evaluation')).toMatchObject({
        values: { 'train/prior-precision': 2, 'train/weight-decay': 0.5 },
      })
      // λ δ = 4 · ½ is the prior's precision, 2.
      expect(Math.abs(mean['head.kernel']!.data[0]! - 0.8923076923)).toBeLessThan(0.05)
      expect(Math.abs(precision['head.bias']!.data[0]! / 18 - 1)).toBeLessThan(0.25)
      expect(Math.abs(precision['head.kernel']!.data[0]! / 58 - 1)).toBeLessThan(0.25)
    }, 60_000)

  it('refuses an estimator without its divergence before anything is trained', async () => {
    const { gaussian: _, ...open } = normal({ scale: 1 })
    const after = { infer: () => Promise.reject(new Error('it was trained')), restore: () => Promise.reject(new Error('none')) }
    const options = { ...variationalOptions.parse({}), optimizer: undefined, after }
    await expect(variational(options, { engine }).infer(line(open), testRun(engine).run)).rejects.toThrow('OCK-VARIATIONAL-002')
  })

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

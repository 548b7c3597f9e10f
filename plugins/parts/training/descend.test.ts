import { hostKey, memoryStore, RunError, type Engine, type Posterior, type Problem, type RunEvent, type Store, type Values } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { mlp, mlpOptions } from '../networks/index.js'
import { crossEntropy, gaussian } from '../objectives/index.js'
import { flat, normal } from '../priors/index.js'
import { adam, adamOptions, adamw, adamwOptions } from './adam.js'
import { descend, type Descent } from './descend.js'
import { given } from './given.js'
import { mapOptions, maximumAPosteriori, type MapOptions } from './map.js'
import { sgd } from './sgd.js'
import { engines, inMemory, testRun } from './testing.js'
import { like, map, value } from './trees.js'
import { fromWeights, pointMass } from './weights.js'

/** y = 1 + 2x at five points; the linear model has the ridge solution in closed form. */
const xs = [-2, -1, 0, 1, 3]
const ys = [-3.1, -0.8, 1.2, 2.7, 7.2]
const line = inMemory({ train: { x: value(xs, [5, 1]), y: value(ys, [5, 1]) } })
const linear = (): Problem => ({
  model: mlp(mlpOptions.parse({ hidden: [] })),
  dataset: line,
  objective: gaussian({ noise: 0.5 }),
  prior: normal({ scale: 2 }),
  examples: 5,
})

/** (ΦᵀΦ/σ² + I/v) w = Φᵀy/σ², for Φ = [1, x]. */
const ridge = (variance: number, prior: number): [number, number] => {
  const sum = (f: (i: number) => number): number => xs.reduce((s, _, i) => s + f(i), 0)
  const [p, q, r] = [5 / variance + 1 / prior, sum((i) => xs[i]!) / variance, sum((i) => xs[i]! ** 2) / variance + 1 / prior]
  const [c, d] = [sum((i) => ys[i]!) / variance, sum((i) => xs[i]! * ys[i]!) / variance]
  const det = p * r - q * q
  return [(r * c - q * d) / det, (p * d - q * c) / det]
}

/** Two blobs, with a validation split. */
const blobs = (n: number, seed: number): Values => {
  const noise = hostKey(seed).normal([n, 2]).data
  const label = Int32Array.from({ length: n }, (_, i) => i % 2)
  return {
    x: value(
      Array.from(noise, (z, i) => z + 1.5 * (label[i >> 1]! * 2 - 1)),
      [n, 2],
    ),
    y: value(label, [n], 'int32'),
  }
}
const classes = inMemory({ train: blobs(60, 1), validation: blobs(40, 2) }, { classes: ['left', 'right'] })
const classify = (prior: Problem['prior'] = normal({ scale: 1 })): Problem => ({
  model: mlp(mlpOptions.parse({ hidden: [8], activation: 'tanh' })),
  dataset: classes,
  objective: crossEntropy(),
  prior,
  examples: 60,
})

const full: Descent = { optimizer: sgd({ learningRate: 0.05, momentum: 0.9, nesterov: false }), steps: 300, size: 8 }

describe.each(Object.entries(engines))('descend on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })

  it('finds the ridge solution of a linear model: mean loss + energy / N', async () => {
    const { vars } = await descend(linear(), testRun(engine).run, full)
    const [w0, w1] = ridge(0.25, 4)
    expect(vars.params['head.bias']!.data[0]).toBeCloseTo(w0, 4)
    expect(vars.params['head.kernel']!.data[0]).toBeCloseTo(w1, 4)
  })

  it('reports loss and energy of every step', async () => {
    const { run, events } = testRun(engine)
    await descend(linear(), run, { ...full, steps: 3 })
    const steps = events.filter((e): e is Extract<RunEvent, { type: 'step' }> => e.type === 'step')
    expect(steps.map(({ step }) => step)).toEqual([0, 1, 2])
    expect(Object.keys(steps[0]!.values).sort()).toEqual(['energy', 'loss'])
    expect(steps[2]!.values['loss']).toBeLessThan(steps[0]!.values['loss']!)
  })

  it('an interrupted descent that goes on equals one that was not', async () => {
    const options: Descent = {
      ...full,
      optimizer: adam(adamOptions.parse({})),
      steps: 30,
      size: 16,
      checkpoint: { steps: 7 },
      early: { patience: 3 },
    }
    const whole = await descend(classify(), testRun(engine).run, options)
    const kept = new Map<string, Awaited<ReturnType<Store['read']>>>()
    const { read, write } = memoryStore()
    const stop = new AbortController()
    const store: Store = {
      read,
      write: async (name, stored) => {
        await write(name, stored)
        kept.set(name, stored)
        if ((stored.meta as { step: number }).step >= 14) stop.abort()
      },
    }
    await expect(descend(classify(), testRun(engine, { store, signal: stop.signal }).run, options)).rejects.toThrow(/OCK-RUN-003/)
    const resumed = testRun(engine, { store })
    const after = await descend(classify(), resumed.run, options)
    expect(resumed.events.some(({ type }) => type === 'resumed')).toBe(true)
    expect(after).toEqual(whole)
  })

  it('stops after the patience and returns the best weights', async () => {
    const { run, events } = testRun(engine)
    // A rate that overshoots: validation gets worse after the first epochs.
    const wild: Descent = {
      ...full,
      optimizer: sgd({ learningRate: 1, momentum: 0.9, nesterov: false }),
      steps: 400,
      size: 16,
      early: { patience: 2 },
    }
    const { vars } = await descend(classify(flat()), run, wild)
    const nll = events.flatMap((e) => (e.type === 'epoch' ? [e.values['validation/nll']!] : []))
    expect(nll.length).toBeLessThan(100)
    expect(nll.length - 1 - nll.indexOf(Math.min(...nll))).toBe(2)
    const { values } = await scored(engine, classify(), vars)
    expect(values).toBeCloseTo(Math.min(...nll), 5)
  })

  it('a loss that is not finite ends the run, naming the step', async () => {
    const { run } = testRun(engine)
    const exploding = descend(linear(), run, { ...full, optimizer: sgd({ learningRate: 1e18, momentum: 0, nesterov: false }) })
    await expect(exploding).rejects.toBeInstanceOf(RunError)
    await expect(
      descend(linear(), testRun(engine).run, { ...full, optimizer: sgd({ learningRate: 1e18, momentum: 0, nesterov: false }) }),
    ).rejects.toThrow(/OCK-TRAIN-001 at descent, step [1-9]/)
  })

  it('early stopping needs a validation split', async () => {
    await expect(descend(linear(), testRun(engine).run, { ...full, early: { patience: 1 } })).rejects.toThrow(/OCK-TRAIN-008/)
  })

  it('starts from the initial posterior, and reports every mismatch at once', async () => {
    const first = await maximumAPosteriori(mapOptions.parse({ steps: 5 }) as MapOptions, { engine }).infer(classify(), testRun(engine).run)
    const { vars } = await descend({ ...classify(), initial: first }, testRun(engine, { seed: 9 }).run, {
      ...full,
      steps: 1,
      optimizer: sgd({ learningRate: 1e-9, momentum: 0, nesterov: false }),
    })
    const began = first.weights!.point().params['layer0.kernel']!.data
    expect(Array.from(vars.params['layer0.kernel']!.data)).toEqual(Array.from(began, (w) => expect.closeTo(w, 6)))
    const wrong = { ...classify(), model: mlp(mlpOptions.parse({ hidden: [3, 4] })), initial: first }
    const failing = descend(wrong, testRun(engine).run, full)
    await expect(failing).rejects.toThrow(/layer0\.kernel is \[2, 8\] in the initial weights and \[2, 3\]/)
    await expect(descend(wrong, testRun(engine).run, full)).rejects.toThrow(/lack layer1\.kernel/)
  })

  it('warns where decay would count twice', async () => {
    const warned = async (problem: Problem) => {
      const { run, events } = testRun(engine)
      await descend(problem, run, { ...full, steps: 1, optimizer: adamw(adamwOptions.parse({})) })
      return events.some((e) => e.type === 'warning' && e.code === 'OCK-TRAIN-010')
    }
    expect([await warned(linear()), await warned({ ...linear(), prior: flat() })]).toEqual([true, false])
  })

  it('tracks what it is asked to along the way', async () => {
    const init = { sum: value([0], [1, 1]), steps: value([0], []) }
    const { tracked } = await descend(linear(), testRun(engine).run, {
      ...full,
      steps: 4,
      optimizer: sgd({ learningRate: 1e-12, momentum: 0, nesterov: false }),
      track: { init, next: (t, p, step) => ({ sum: t['sum']!.add(p['head.kernel']!), steps: t['steps']!.add(step) }) },
    })
    const { vars } = await descend(linear(), testRun(engine).run, {
      ...full,
      steps: 1,
      optimizer: sgd({ learningRate: 1e-12, momentum: 0, nesterov: false }),
    })
    expect(tracked['steps']!.data[0]).toBe(0 + 1 + 2 + 3)
    expect(tracked['sum']!.data[0]).toBeCloseTo(4 * vars.params['head.kernel']!.data[0]!, 5)
  })

  it('a combine hook that averages the losses gives the plain descent', async () => {
    const combine: NonNullable<Descent['combine']> = ({ engine: e, params, loss, batch }) => {
      const { aux, pull } = e.vjp((p) => ({ y: loss(p), aux: batch.weight.div(batch.weight.sum()) }), params)
      return { gradient: pull(aux), out: { weights: aux.sum() } }
    }
    const { run, events } = testRun(engine)
    const { vars } = await descend(linear(), run, { ...full, steps: 20, combine })
    const { vars: plain } = await descend(linear(), testRun(engine).run, { ...full, steps: 20 })
    expect(vars.params['head.kernel']!.data[0]).toBeCloseTo(plain.params['head.kernel']!.data[0]!, 5)
    expect(events.find((e) => e.type === 'step')).toMatchObject({ values: { weights: expect.closeTo(1, 6) as number } })
  })

  it('carries the state of the model and of the terms', async () => {
    const base = mlp(mlpOptions.parse({ hidden: [] }))
    const problem: Problem = {
      ...linear(),
      model: {
        init: async (key, meta) => ({ ...(await base.init(key, meta)), state: { calls: value([0], []) } }),
        apply(vars, x, call) {
          call.next('calls', vars.state['calls']!.add(1))
          return base.apply(vars, x, call)
        },
      },
      prior: {
        init: () => ({ seen: value([10], []) }),
        energy: ({ memory }) => ({ energy: tf.scalar(0), memory: { seen: memory['seen']!.add(1) } }),
      },
    }
    const { vars, memory } = await descend(problem, testRun(engine).run, { ...full, steps: 6 })
    expect(vars.state['calls']!.data[0]).toBe(6)
    expect(memory.prior['seen']!.data[0]).toBe(16)
  })

  it('appends the rows that a prior asks for to the one pass, and keeps them from the objective', async () => {
    const shapes: number[][] = []
    const problem: Problem = {
      ...linear(),
      prior: {
        feed: (step) => ({ x: value([step, 2, 3], [3, 1]) }),
        rows: (feed) => feed['x']!,
        energy({ x, y, batchRows }) {
          shapes.push([...(x as Tensor).shape], [...y.shape], [batchRows])
          return tf.scalar(0)
        },
      },
    }
    await descend(problem, testRun(engine).run, { ...full, steps: 2 })
    expect(shapes.slice(0, 3)).toEqual([[8, 1], [8, 1], [5]])
  })

  it('the same seed gives the same bytes, another seed others', async () => {
    const fit = async (seed: number) =>
      (await descend(classify(), testRun(engine, { seed }).run, { ...full, steps: 10, size: 16 })).vars.params
    expect(await fit(1)).toEqual(await fit(1))
    expect(await fit(2)).not.toEqual(await fit(1))
  })
})

/** Validation likelihood from a posterior's own predictions. */
const scored = async (engine: Engine, problem: Problem, vars: Parameters<typeof pointMass>[0]) => {
  const { x, y } = await classes.read(
    'validation',
    value(
      Array.from({ length: 40 }, (_, i) => i),
      [40],
      'int32',
    ),
  )
  const p = await fromWeights(problem, engine, pointMass(vars), {}, { size: 16 }).predict({ x: x! })
  const { probabilities } = p as { probabilities: Values[string] }
  expect(probabilities.shape).toEqual([40, 2])
  return { values: -Array.from(y!.data).reduce((s, label, i) => s + Math.log(probabilities.data[2 * i + label]!), 0) / 40 }
}

describe.each(Object.entries(engines))('posteriors over weights on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  const inference = () =>
    maximumAPosteriori(mapOptions.parse({ steps: 40, batchSize: 16, schedule: 'cosine', warmup: 3, clip: 5 }) as MapOptions, { engine })
  const x = { x: value([3, 3, -3, -3], [2, 2]) }

  it('map learns, and what it saves predicts the same when restored', async () => {
    const posterior = await inference().infer(classify(), testRun(engine).run)
    const p = await posterior.predict(x)
    expect((p as { probabilities: Values[string] }).probabilities.data[1]).toBeGreaterThan(0.6)
    const saved = posterior.save()
    expect([saved.kind, ...Object.keys(saved.values).sort()]).toEqual([
      'weights',
      'params.head.bias',
      'params.head.kernel',
      'params.layer0.bias',
      'params.layer0.kernel',
    ])
    expect(await (await inference().restore(saved, classify())).predict(x)).toEqual(p)
  })

  it('averages the predictions of samples', async () => {
    const { vars } = await descend(classify(), testRun(engine).run, { ...full, steps: 1 })
    const still = { ...vars, params: like(vars.params) }
    const certain = { ...still, params: { ...still.params, 'head.bias': value([0, 100]) } }
    let draws = 0
    const posterior: Posterior = fromWeights(classify(), engine, {
      point: () => still,
      sample: async () => (draws++ % 2 === 0 ? still : certain),
    })
    const p = (await posterior.predict(x, { samples: 4, key: hostKey(0) })) as { probabilities: Values[string]; members: Values[string] }
    expect(p.members.shape).toEqual([4, 2, 2])
    expect(p.probabilities.data[1]).toBeCloseTo(0.75, 6)
    await expect(posterior.predict(x, { samples: 4 })).rejects.toThrow(/OCK-TRAIN-005/)
  })

  it('given takes the initial posterior, or says that there is none', async () => {
    const take = (posterior: Posterior) => given({}, { engine }).infer({ ...classify(), initial: posterior }, testRun(engine).run)
    const other: Posterior = { predict: () => Promise.reject(new Error('unused')), save: () => ({ kind: 'other', values: {}, meta: null }) }
    expect(await take(other)).toBe(other)
    const { vars } = await descend(classify(), testRun(engine).run, { ...full, steps: 1 })
    const learnt = fromWeights(classify(), engine, pointMass(vars))
    const mute = { ...learnt, predict: other.predict }
    expect(await (await take(mute)).predict(x)).toEqual(await learnt.predict(x))
    await expect(take(fromWeights(classify(), engine, pointMass({ params: {}, frozen: {}, state: {} })))).rejects.toThrow(/OCK-TRAIN-002/)
    await expect(given({}, { engine }).infer(classify(), testRun(engine).run)).rejects.toThrow(/OCK-TRAIN-009/)
  })
})

it('options refuse epochs and steps together', () => {
  expect(mapOptions.safeParse({ epochs: 1, steps: 2 }).success).toBe(false)
  expect(map({ a: 1 }, (x) => x + 1)).toEqual({ a: 2 })
})

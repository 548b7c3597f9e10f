/*
 * The Bayesian suite, what happens during training: SWAG (Maddox et al. 2019) tracks the descent; SGHMC (Chen et al. 2014) and
 * IVON (Shen et al. 2024) are optimizers, since their noise comes from the step's key and their gradient from a function.
 */
import type { Engine, Inference, Optimizer, Posterior, Problem, Tensors, Value, Values, Variables } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { descend, like, map, prefix, stepsPerEpoch, under, unflatten, value, zeros, zip, type Descent } from './parts.js'

/** Running mean and mean square of the weights, at the end of every epoch. */
const moments = (t: Tensors, params: Tensors, due: Tensor): Tensors => {
  const count = t['count']!.add(due)
  const towards = (p: Tensor, mean: Tensor): Tensor => mean.add(p.sub(mean).mul(due).div(count.maximum(1)))
  const mean = zip(params, under('mean.', t), towards)
  const square = zip(
    map(params, (p) => p.square()),
    under('square.', t),
    towards,
  )
  return { count, ...prefix('mean.', mean), ...prefix('square.', square) }
}
/** Diagonal normal with the tracked moments; batch statistics are refreshed after each draw, which is a fold. */
declare const normalAt: (problem: Problem, engine: Engine, vars: Variables<Value>, tracked: Values) => Posterior

interface SwagOptions extends Pick<Descent, 'optimizer' | 'size'> {
  readonly after: Inference
  readonly epochs: number
}

/** SWAG is the descent of `map` with something tracked. */
export const swag = (o: SwagOptions, { engine }: { readonly engine: Engine }): Inference => ({
  async infer(problem, run) {
    const initial = await run.infer('fit', o.after, problem)
    const { params } = initial.weights!.point()
    const perEpoch = stepsPerEpoch(problem.examples, o.size)
    const init = { count: zeros([]), ...prefix('mean.', like(params)), ...prefix('square.', like(params)) }
    const { vars, tracked } = await descend({ ...problem, initial }, run, {
      ...o,
      steps: perEpoch * o.epochs,
      track: { init, next: (t, p, step) => moments(t, p, step.add(1).mod(perEpoch).equal(0).cast('float32')) },
    })
    return normalAt(problem, run.engine, vars, tracked)
  },
  restore: ({ values }, problem) => normalAt(problem, engine, unflatten(values), under('tracked.', values)),
})

/** SGHMC is an optimizer whose noise comes from the step's key; N is a number it is given, not one it guesses. */
export const sghmc = (o: { readonly step: number; readonly friction: number; readonly temperature: number }): Optimizer => ({
  init: (params) => like(params),
  update({ params, memory, gradient, key, examples }) {
    const deviation = Math.sqrt((2 * o.friction * o.step * o.temperature) / examples)
    const g = gradient(params)
    const momentum = map(memory, (m, name) =>
      m
        .mul(1 - o.friction)
        .sub(g[name]!.mul(o.step))
        .add(key.fold(name).normal(m.shape).mul(deviation)),
    )
    return { params: zip(params, momentum, (p, m) => p.add(m)), memory: momentum }
  },
})

interface IvonOptions {
  readonly rate: number
  readonly decays: { readonly gradient: number; readonly hessian: number }
  readonly priorPrecision: number
  readonly hessian: number
}

/** IVON asks for the gradient at weights drawn from its own posterior, and learns the curvature from it. */
export const ivon = (o: IvonOptions): Optimizer => ({
  init: (params) => ({ ...prefix('m.', like(params)), ...prefix('h.', like(params, o.hessian)), decay: value([1], []) }),
  update({ params, memory, gradient, key, rate, examples }) {
    const delta = o.priorPrecision / examples
    const h = under('h.', memory)
    const noise = map(h, (curvature, name) => key.fold(name).normal(curvature.shape).div(curvature.add(delta).mul(examples).sqrt()))
    const g = gradient(zip(params, noise, (p, e) => p.add(e)))
    const m = zip(under('m.', memory), g, (mean, d) => mean.mul(o.decays.gradient).add(d.mul(1 - o.decays.gradient)))
    const decay = memory['decay']!.mul(o.decays.gradient) // β^t, carried
    const curved = map(h, (old, name) => {
      const seen = g[name]!.mul(noise[name]!).mul(old.add(delta)).mul(examples)
      const towards = seen.sub(old).mul(1 - o.decays.hessian)
      return old.add(towards).add(towards.square().div(old.add(delta).mul(2)))
    })
    const moved = (p: Tensor, name: string): Tensor => {
      const mean = m[name]!.div(decay.neg().add(1)).add(p.mul(delta))
      return p.sub(mean.div(curved[name]!.add(delta)).mul(rate.mul(o.rate)))
    }
    return { params: map(params, moved), memory: { ...prefix('m.', m), ...prefix('h.', curved), decay } }
  },
})

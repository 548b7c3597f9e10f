import type { Optimizer, Tensors } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { z } from 'zod'
import { langevinVariance } from '../../parts/bayes/index.js'
import { like, map, prefix, under, value, zip } from '../../parts/training/index.js'

const rate = z.number().positive().default(0.01).describe('step h on the mean loss: N times the step on the energy')
const temperature = z.number().min(0).default(1).describe('T of exp(−U/T); 1 is Bayes’ posterior, 0 no noise')
const decay = z.number().positive().lt(1).default(0.1).describe('share a of the velocity that friction takes a step')

export const langevinOptions = z.strictObject({
  learningRate: rate,
  temperature,
  gradientNoise: z
    .number()
    .min(0)
    .default(0)
    .describe('variance b of the gradient of the energy that batches bring in, taken off the noise'),
})
export const preconditionedOptions = z.strictObject({
  learningRate: rate,
  temperature,
  decay: z.number().min(0).lt(1).default(0.99).describe('share of the running squared gradient that is kept'),
  epsilon: z.number().positive().default(1e-5).describe('added to the root of the running squared gradient'),
})
export const hamiltonianOptions = z.strictObject({ learningRate: rate, temperature, momentumDecay: decay })

type Hamiltonian = z.output<typeof hamiltonianOptions>

/** A sampler is an optimizer that knows the temperature of its noise. */
export type Dynamics = Optimizer & { readonly temperature: number }

/** ξ of every parameter, standard normal, from the step's key. */
const noise = (params: Tensors, key: Parameters<Optimizer['update']>[0]['key']): Tensors =>
  map(params, (p, name) => key.fold(name).normal(p.shape))

/** √(c h) for a traced schedule: the variance of noise follows the step. */
const deviation = (variance: number, eta: Scalar): Scalar => eta.mul<Scalar>(variance).sqrt()

/**
 * Stochastic gradient Langevin dynamics, Welling and Teh 2011, equation 4: θ ← θ − h g + √(2 h T/N) ξ, g the gradient of the mean loss + R/N; with
 * e = h/N and batches that bring in the variance b of the energy's gradient, the noise has variance e T (2 − e T b).
 */
export const sgld = ({ learningRate, temperature: t, gradientNoise: b }: z.output<typeof langevinOptions>): Dynamics => ({
  temperature: t,
  init: () => ({}),
  update({ params, gradient, key, rate: factor, examples, memory }) {
    const g = gradient(params)
    const eta = factor.mul<Scalar>(learningRate)
    const e = eta.div<Scalar>(examples)
    const sd = e
      .mul<Scalar>(t)
      .mul(tf.relu(tf.sub(2, e.mul(t * b))))
      .sqrt()
    const xi = noise(params, key)
    return { params: map(params, (p, name) => p.sub(g[name]!.mul(eta)).add(xi[name]!.mul(sd))), memory }
  },
})

/**
 * Preconditioned Langevin dynamics, Li et al. 2016: V ← a V + (1 − a) g², G = 1/(ε + √V), θ ← θ − h G g + √(2 h T G/N) ξ. The term for the change of
 * G is left out, as there, so that its stationary law is not exact.
 */
export const psgld = ({ learningRate, temperature: t, decay: a, epsilon }: z.output<typeof preconditionedOptions>): Dynamics => ({
  temperature: t,
  init: (params) => like(params),
  update({ params, memory, gradient, key, rate: factor, examples }) {
    const g = gradient(params)
    const eta = factor.mul<Scalar>(learningRate)
    const squares = zip(g, memory, (d, v) => v.mul(a).add(d.square().mul(1 - a)))
    const scale = map(squares, (v) => tf.div(1, v.sqrt().add(epsilon)))
    const xi = noise(params, key)
    const sd = deviation(langevinVariance(1, examples, t), eta)
    const moved = map(params, (p, name) => p.sub(scale[name]!.mul(g[name]!).mul(eta)).add(xi[name]!.mul(scale[name]!.sqrt()).mul(sd)))
    return { params: moved, memory: squares }
  },
})

/**
 * Stochastic gradient Hamiltonian Monte Carlo, Chen et al. 2014, equation 15, the velocity before the weights:
 * v ← (1 − a) v − h g + √(2 a h T/N) ξ, θ ← θ + v.
 */
export const sghmc = ({ learningRate, temperature: t, momentumDecay: a }: Hamiltonian): Dynamics => ({
  temperature: t,
  init: (params) => like(params),
  update({ params, memory, gradient, key, rate: factor, examples }) {
    const g = gradient(params)
    const eta = factor.mul<Scalar>(learningRate)
    const xi = noise(params, key)
    const sd = deviation(a * langevinVariance(1, examples, t), eta)
    const v = map(params, (_, name) =>
      memory[name]!.mul(1 - a)
        .sub(g[name]!.mul(eta))
        .add(xi[name]!.mul(sd)),
    )
    return { params: zip(params, v, (p, d) => p.add(d)), memory: v }
  },
})

/**
 * Splitting of the same dynamics (kick, drift, friction and noise, drift; Leimkuhler and Matthews 2013): v ← v − h g, θ ← θ + v/2,
 * v ← (1 − a) v + √(h T/N (1 − (1 − a)²)) ξ, θ ← θ + v/2. Its stationary variance on a quadratic is exact, whatever the step.
 */
export const baoa = ({ learningRate, temperature: t, momentumDecay: a }: Hamiltonian): Dynamics => ({
  temperature: t,
  init: (params) => like(params),
  update({ params, memory, gradient, key, rate: factor, examples }) {
    const g = gradient(params)
    const eta = factor.mul<Scalar>(learningRate)
    const xi = noise(params, key)
    const sd = deviation((t / examples) * (1 - (1 - a) * (1 - a)), eta)
    const kicked = zip(memory, g, (v, d) => v.sub(d.mul(eta)))
    const v = map(kicked, (k, name) => k.mul(1 - a).add(xi[name]!.mul(sd)))
    return { params: map(params, (p, name) => p.add(kicked[name]!.add(v[name]!).mul(0.5))), memory: v }
  },
})

/** Memory of a parameter that holds all of them in common; no parameter may be called so. */
const thermostat = 'thermostat'

/**
 * Nosé–Hoover thermostat, Ding et al. 2014, algorithm 2: friction z that rises where the velocities are hotter than T. With e = √(h/N) and p = v/e:
 * v ← v − e z v − h g + √(2 a h T/N) ξ, θ ← θ + v, z ← z + e (mean p² − T); e z starts at a.
 */
export const sgnht = ({ learningRate, temperature: t, momentumDecay: a }: Hamiltonian): Dynamics => ({
  temperature: t,
  init: (params) => ({ ...prefix('velocity.', like(params)), [thermostat]: value([a], []) }),
  update({ params, memory, gradient, key, rate: factor, examples }) {
    const g = gradient(params)
    const eta = factor.mul<Scalar>(learningRate)
    const xi = noise(params, key)
    const sd = deviation(a * langevinVariance(1, examples, t), eta)
    const friction = memory[thermostat]!
    const old = under('velocity.', memory)
    const v = map(params, (_, name) => old[name]!.mul(tf.sub(1, friction)).sub(g[name]!.mul(eta)).add(xi[name]!.mul(sd)))
    const count = Object.values(params).reduce((n, p) => n + p.size, 0)
    const squares: Tensor[] = Object.values(v).map((d) => d.square().sum())
    // z is kept as e z: its change is e² (mean p² − T) = mean v² − (h/N) T.
    const hotter = tf
      .addN(squares)
      .div(count)
      .sub(eta.mul(t / examples))
    return { params: zip(params, v, (p, d) => p.add(d)), memory: { ...prefix('velocity.', v), [thermostat]: friction.add(hotter) } }
  },
})
